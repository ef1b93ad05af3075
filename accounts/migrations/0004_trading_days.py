import datetime

from django.db import migrations, models


class Migration(migrations.Migration):
    """When trading days end."""

    dependencies = [
        ("accounts", "0003_second_factor"),
    ]

    operations = [
        migrations.AddField(
            model_name="tenant",
            name="day_end",
            field=models.TimeField(default=datetime.time(17, 0)),
        ),
    ]
