from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('django_scheduler', '0002_when_set_by_hand'),
    ]

    operations = [
        migrations.AddField(
            model_name='process',
            name='boot_id',
            field=models.CharField(blank=True, default='', editable=False, max_length=64, verbose_name='start of the machine'),
        ),
        migrations.AddField(
            model_name='process',
            name='namespaces',
            field=models.CharField(blank=True, default='', editable=False, help_text='Where its process id is counted: a container counts its own.', max_length=128, verbose_name='namespaces'),
        ),
        migrations.AddField(
            model_name='process',
            name='pid_started',
            field=models.BigIntegerField(blank=True, editable=False, help_text='In ticks since the machine started; empty where the system does not tell.', null=True, verbose_name='start of the process'),
        ),
    ]
