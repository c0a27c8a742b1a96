from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('sms', '0011_counts'),
    ]

    operations = [
        migrations.AddIndex(
            model_name='conversation',
            index=models.Index(condition=models.Q(('remote__contains', ';')), fields=['tenant'], name='conversation_several'),
        ),
    ]
