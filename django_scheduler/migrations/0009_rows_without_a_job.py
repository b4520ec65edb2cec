from django.db import migrations

from django_scheduler.models.schema import LetNullsDiffer


class Migration(migrations.Migration):

    dependencies = [
        ('django_scheduler', '0008_pause_run'),
    ]

    operations = [
        LetNullsDiffer('run', 'django_scheduler_run_once', 'job'),
    ]
