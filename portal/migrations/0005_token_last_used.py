"""When a token was last used; writing it is no change of the set-up."""

from django.db import migrations, models

TRIGGER = """
DROP TRIGGER changed ON portal_apitoken;
CREATE TRIGGER changed AFTER INSERT OR DELETE OR UPDATE{of} ON portal_apitoken
    FOR EACH STATEMENT EXECUTE FUNCTION portal_changed();
"""
WHO = " OF tenant_id, extension_id, digest, revoked_at"


class Migration(migrations.Migration):
    """Add the column, and let the trigger look past it."""

    dependencies = [("portal", "0004_did_rate")]

    operations = [
        migrations.AddField(
            model_name="apitoken",
            name="last_used_at",
            field=models.DateTimeField(editable=False, null=True, verbose_name="last used"),
        ),
        migrations.RunSQL(TRIGGER.format(of=WHO), TRIGGER.format(of="")),
    ]
