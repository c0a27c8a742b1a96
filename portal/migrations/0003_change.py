"""The mark of changes, and the triggers that leave it."""

import django.db.models.functions.datetime
from django.db import migrations, models

# What workers write all the time (a trunk's health, presence) is no change of the set-up.
TRUNK = (
    "tenant_id, name, provider, credentials, sender_id, enabled, api_base, messages_per_second, "
    "webhook_token, paused_since"
)
EXTENSION = "tenant_id, number, name, user_id, enabled, sms"
TABLES = {
    "portal_tenant": "",
    "portal_trunk": f" OF {TRUNK}",
    "portal_did": "",
    "portal_extension": f" OF {EXTENSION}",
    "portal_callerid": "",
    "portal_senderid": "",
    "portal_inboundrule": "",
    "portal_destination": "",
    "portal_schedule": "",
    "portal_officehours": "",
    "portal_holiday": "",
    "portal_group": "",
    "portal_groupmember": "",
    "portal_apitoken": "",
}
FUNCTION = """
CREATE FUNCTION portal_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO portal_change DEFAULT VALUES;
    RETURN NULL;
END $$;
"""
TRIGGER = """
CREATE TRIGGER changed AFTER INSERT OR DELETE OR UPDATE{of} ON {table}
    FOR EACH STATEMENT EXECUTE FUNCTION portal_changed();
"""


class Migration(migrations.Migration):
    """Make the table and its triggers."""

    dependencies = [("portal", "0002_number_guards")]

    operations = [
        migrations.CreateModel(
            name="Change",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
            ],
            options={"verbose_name": "change"},
        ),
        migrations.RunSQL(
            FUNCTION + "".join(TRIGGER.format(table=t, of=of) for t, of in TABLES.items()),
            "".join(f"DROP TRIGGER changed ON {table};" for table in TABLES)
            + "DROP FUNCTION portal_changed();",
        ),
    ]
