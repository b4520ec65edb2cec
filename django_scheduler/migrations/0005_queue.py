from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('django_scheduler', '0004_what_wants_attention'),
    ]

    operations = [
        migrations.CreateModel(
            name='Queue',
            fields=[
                ('name', models.CharField(max_length=64, primary_key=True, serialize=False, verbose_name='name')),
            ],
            options={
                'verbose_name': 'queue',
                'verbose_name_plural': 'queues',
            },
        ),
    ]
