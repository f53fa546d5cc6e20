"""The database: the only room that imports SQLAlchemy. `database.Store` is its face, one file a noun behind it."""
