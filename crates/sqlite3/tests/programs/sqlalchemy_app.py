"""SQLAlchemy on Python's module, with Alembic: a schema made, filled, migrated there and back, reflected and queried."""
import datetime, decimal, sys

import sqlalchemy as sa
from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship, selectinload


class Base(DeclarativeBase):
    pass


class Author(Base):
    __tablename__ = "author"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(sa.String(50), unique=True)
    books: Mapped[list["Book"]] = relationship(back_populates="author", cascade="all, delete-orphan")


class Book(Base):
    __tablename__ = "book"
    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str] = mapped_column(index=True)
    price: Mapped[decimal.Decimal] = mapped_column(sa.Numeric(8, 2, asdecimal=False))
    out: Mapped[datetime.date | None]
    extra: Mapped[dict] = mapped_column(sa.JSON)
    cover: Mapped[bytes | None]
    author_id: Mapped[int] = mapped_column(sa.ForeignKey("author.id", ondelete="CASCADE"))
    author: Mapped[Author] = relationship(back_populates="books")
    __table_args__ = (sa.CheckConstraint("price >= 0", name="no_gifts"),)


engine = sa.create_engine(f"sqlite:///{sys.argv[1]}")
sa.event.listen(engine, "connect", lambda connection, _: connection.execute("PRAGMA foreign_keys = ON"))
Base.metadata.create_all(engine)

with Session(engine) as session:
    for name in ("Ada", "Čapek", "Bo"):
        author = Author(name=name)
        for i in range(1, 5):
            extra = {"n": i, "tags": ["x", name]}
            author.books.append(Book(title=f"{name} {i}", price=1.25 * i, out=datetime.date(2000 + i, i, 1), extra=extra, cover=bytes([i, 0, 255])))
        session.add(author)
    session.commit()
    nested = session.begin_nested()
    session.add(Author(name="Ada"))
    try:
        session.flush()
    except sa.exc.IntegrityError as error:
        print("unique:", error.orig)
        nested.rollback()
    try:
        with session.begin_nested():
            session.add(Book(title="free", price=-1, extra={}, author_id=1))
            session.flush()
    except sa.exc.IntegrityError as error:
        print("check:", error.orig)
    session.delete(session.scalars(sa.select(Author).where(Author.name == "Bo")).one())
    session.commit()

    query = sa.select(Author).options(selectinload(Author.books)).order_by(Author.name)
    for author in session.scalars(query):
        print(author.name, [(book.title, book.price, book.out.isoformat(), book.extra["tags"], book.cover) for book in author.books])
    rank = sa.func.rank().over(partition_by=Book.author_id, order_by=Book.price.desc())
    print(session.execute(sa.select(Book.title, rank).order_by(Book.title)).all())
    chain = sa.select(sa.literal(1).label("n")).cte("chain", recursive=True)
    chain = chain.union_all(sa.select(chain.c.n * 2).where(chain.c.n < 100))
    print(session.execute(sa.select(sa.func.group_concat(chain.c.n))).scalar())
    print(session.execute(sa.select(Book.title).where(Book.extra["n"].as_integer() == 3).order_by(Book.title)).all())
    upsert = insert(Author).values([{"name": "Ada"}, {"name": "Dag"}])
    upsert = upsert.on_conflict_do_update(index_elements=["name"], set_={"name": upsert.excluded.name + "!"}).returning(Author.id, Author.name)
    print(session.execute(upsert).all())
    print(session.execute(sa.update(Book).where(Book.price > 3).values(price=Book.price + 1).returning(Book.title)).all())
    session.commit()

# Alembic copies a table to change what ALTER TABLE cannot.
with engine.begin() as connection:
    operations = Operations(MigrationContext.configure(connection))
    operations.add_column("author", sa.Column("born", sa.Integer, server_default="1900"))
    operations.create_index("author_born", "author", ["born", "name"])
    with operations.batch_alter_table("book") as batch:
        batch.alter_column("title", new_column_name="name", type_=sa.String(80))
        batch.drop_column("cover")
        batch.add_column(sa.Column("pages", sa.Integer, nullable=False, server_default="7"))
    operations.rename_table("book", "volume")
inspector = sa.inspect(engine)
for table in sorted(inspector.get_table_names()):
    columns = [(c["name"], str(c["type"]), c["nullable"], c["default"]) for c in inspector.get_columns(table)]
    print(table, columns, inspector.get_pk_constraint(table), inspector.get_foreign_keys(table))
    print(inspector.get_indexes(table), inspector.get_unique_constraints(table), inspector.get_check_constraints(table))
reflected = sa.Table("volume", sa.MetaData(), autoload_with=engine)
with engine.begin() as connection:
    print(connection.execute(sa.select(reflected.c.name, reflected.c.price, reflected.c.pages).order_by(reflected.c.id)).all())
    print(connection.execute(sa.text("PRAGMA integrity_check")).all(), connection.execute(sa.text("PRAGMA foreign_key_check")).all())
    print(connection.execute(sa.select(sa.func.count()).select_from(reflected)).scalar())
