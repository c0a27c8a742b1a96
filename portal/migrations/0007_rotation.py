"""Whose turn it is in a queue; a turn is no change of the set-up."""

from django.db import migrations, models

SET_UP = 'tenant_id, group_id, extension_id, "order"'
TRIGGER = """
DROP TRIGGER changed ON portal_groupmember;
CREATE TRIGGER changed AFTER INSERT OR DELETE OR UPDATE{of} ON portal_groupmember
    FOR EACH STATEMENT EXECUTE FUNCTION portal_changed();
"""


class Migration(migrations.Migration):
    """Add the column, and let the trigger look at the others only."""

    dependencies = [("portal", "0006_sign_in")]

    operations = [
        migrations.AddField(
            model_name="groupmember",
            name="last_offered_at",
            field=models.DateTimeField(
                blank=True,
                editable=False,
                help_text="Whose turn in a queue is the longest ago.",
                null=True,
            ),
        ),
        migrations.RunSQL(TRIGGER.format(of=f" OF {SET_UP}"), TRIGGER.format(of="")),
    ]
