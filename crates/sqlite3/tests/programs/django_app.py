"""Django's SQLite backend: models, migrations that change tables with rows in them, queries, and its own checks."""
import os, sys, tempfile

import django
from django.conf import settings

file = sys.argv[1]
folder = os.path.join(os.path.dirname(file), "app")
os.makedirs(os.path.join(folder, "shop", "migrations"))
for name, text in {
    "shop/__init__.py": "", "shop/migrations/__init__.py": "",
    "shop/migrations/0001_initial.py": """
from django.db import migrations, models
class Migration(migrations.Migration):
    initial = True
    operations = [
        migrations.CreateModel("Author", [("id", models.BigAutoField(primary_key=True)), ("name", models.CharField(max_length=50, unique=True))]),
        migrations.CreateModel("Book", [("id", models.BigAutoField(primary_key=True)), ("title", models.CharField(max_length=99, db_index=True)),
            ("price", models.DecimalField(max_digits=8, decimal_places=2)), ("out", models.DateField(null=True)), ("extra", models.JSONField(default=dict)),
            ("author", models.ForeignKey("shop.Author", models.CASCADE))]),
    ]
""",
    "shop/migrations/0002_rows.py": """
from django.db import migrations
import datetime, decimal
def fill(apps, editor):
    A, B = apps.get_model("shop", "Author"), apps.get_model("shop", "Book")
    for name in ("Ada", "Čapek"):
        author = A.objects.create(name=name)
        B.objects.bulk_create(B(title=f"{name} {i}", price=decimal.Decimal("1.25") * i, out=datetime.date(2000 + i, i, 1), extra={"n": i, "tags": ["x", name]}, author=author) for i in range(1, 5))
class Migration(migrations.Migration):
    dependencies = [("shop", "0001_initial")]
    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
""",
    "shop/migrations/0003_changes.py": """
from django.db import migrations, models
class Migration(migrations.Migration):
    dependencies = [("shop", "0002_rows")]
    operations = [
        migrations.AddField("book", "stock", models.IntegerField(default=7)),
        migrations.RenameField("book", "out", "released"),
        migrations.AlterField("book", "title", models.TextField()),
        migrations.AddConstraint("book", models.CheckConstraint(condition=models.Q(price__gte=0), name="price_not_negative")),
        migrations.AddConstraint("book", models.UniqueConstraint(fields=["author", "title"], name="one_title")),
        migrations.AddIndex("book", models.Index(fields=["-released"], name="by_release")),
    ]
""",
    "shop/models.py": """
from django.db import models
class Author(models.Model):
    id = models.BigAutoField(primary_key=True)
    name = models.CharField(max_length=50, unique=True)
class Book(models.Model):
    id = models.BigAutoField(primary_key=True)
    title = models.TextField()
    price = models.DecimalField(max_digits=8, decimal_places=2)
    released = models.DateField(null=True)
    extra = models.JSONField(default=dict)
    author = models.ForeignKey(Author, models.CASCADE)
    stock = models.IntegerField(default=7)
    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(price__gte=0), name="price_not_negative"), models.UniqueConstraint(fields=["author", "title"], name="one_title")]
        indexes = [models.Index(fields=["-released"], name="by_release")]
"""}.items():
    with open(os.path.join(folder, name), "w") as out:
        out.write(text)
sys.path.insert(0, folder)
settings.configure(INSTALLED_APPS=["shop"], DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": file}}, USE_TZ=True)
django.setup()
from django.core.management import call_command
from django.db import IntegrityError, connection, models, transaction
from django.db.models import Avg, Count, F, Q, Sum, Window
from django.db.models.functions import ExtractYear, Lower, RowNumber, TruncMonth
from shop.models import Author, Book

call_command("migrate", verbosity=1, no_color=True)
for table in sorted(connection.introspection.table_names()):
    print(table)
with connection.cursor() as cursor:
    cursor.execute("SELECT sql FROM sqlite_schema WHERE tbl_name = 'shop_book' ORDER BY name")
    print(*[row[0] for row in cursor.fetchall() if row[0]], sep="\n")
    for name, facts in sorted(connection.introspection.get_constraints(cursor, "shop_book").items()):
        print(name, facts["columns"], facts["unique"], facts["index"], facts["check"], facts["foreign_key"])
print(list(Book.objects.filter(price__gt=2, author__name__startswith="Č").order_by("-price").values_list("title", "price", "released")))
print(list(Author.objects.annotate(n=Count("book"), total=Sum("book__price"), mean=Avg("book__price")).order_by("id").values("name", "n", "total", "mean")))
print(list(Book.objects.filter(extra__n__gte=3, extra__tags__0="x").annotate(y=ExtractYear("released"), m=TruncMonth("released")).values_list("y", "m", "extra__tags").order_by("id")))
print(list(Book.objects.annotate(at=Window(RowNumber(), partition_by=F("author"), order_by=F("price").desc())).filter(at=1).values_list("title", flat=True).order_by("title")))
print(list(Book.objects.annotate(low=Lower("title")).filter(Q(low__icontains="ada") | Q(title__regex=r"\d$")).values_list("low", flat=True).order_by("low")[:3]))
print(Book.objects.filter(stock=7).update(stock=F("stock") + 1), Book.objects.filter(title="Ada 1").delete())
try:
    with transaction.atomic():
        Author.objects.create(name="new"); Author.objects.create(name="Ada")
except IntegrityError as error:
    print(error)
try:
    with transaction.atomic():
        Book.objects.filter(pk=2).update(price=-1)
except IntegrityError as error:
    print(error)
print(Author.objects.count(), Author.objects.update_or_create(name="Ada", defaults={"name": "Ada L."})[1])
author, books = Author.objects.order_by("id")[0], []
Book.objects.bulk_create([Book(title="Ada 2", price=9, author=author)], update_conflicts=True, unique_fields=["author", "title"], update_fields=["price"])
print(Book.objects.get(title="Ada 2").price, Book.objects.explain().split(" ", 3)[-1])
author.delete()
print(Book.objects.count())
call_command("migrate", "shop", "0001", verbosity=1, no_color=True)
with connection.cursor() as cursor:
    cursor.execute("PRAGMA foreign_key_check"); print(cursor.fetchall())
    cursor.execute("PRAGMA integrity_check"); print(cursor.fetchall())
    cursor.execute("SELECT name, sql FROM sqlite_schema ORDER BY name"); print(*cursor.fetchall(), sep="\n")
