CREATE TABLE databases (
  id      INTEGER PRIMARY KEY,
  name    TEXT NOT NULL UNIQUE,
  input   TEXT NOT NULL,          -- JSON, a databaseInput
  created REAL NOT NULL           -- seconds since 1970, as all times here
);

CREATE TABLE tables (
  id          INTEGER PRIMARY KEY,
  database_id INTEGER NOT NULL REFERENCES databases ON DELETE CASCADE,
  name        TEXT NOT NULL,
  version     INTEGER NOT NULL,   -- 0 when made, one more with each update
  input       TEXT NOT NULL,      -- JSON, a tableInput
  created     REAL NOT NULL,
  updated     REAL NOT NULL,
  UNIQUE (database_id, name)
);

-- What a table was before an update that did not skip the archive.
CREATE TABLE table_versions (
  table_id INTEGER NOT NULL REFERENCES tables ON DELETE CASCADE,
  version  INTEGER NOT NULL,
  input    TEXT NOT NULL,
  updated  REAL NOT NULL,
  PRIMARY KEY (table_id, version)
) WITHOUT ROWID;

-- Storage descriptors of partitions, without the location.
CREATE TABLE descriptors (
  id       INTEGER PRIMARY KEY,
  table_id INTEGER NOT NULL REFERENCES tables ON DELETE CASCADE,
  hash     BLOB NOT NULL,         -- SHA-256 of the document
  document TEXT NOT NULL,         -- JSON, a storageDescriptor
  UNIQUE (table_id, hash)
);

CREATE TABLE partitions (
  table_id      INTEGER NOT NULL REFERENCES tables ON DELETE CASCADE,
  key           BLOB NOT NULL,    -- the values, see encodeKey
  location      TEXT,
  descriptor_id INTEGER NOT NULL, -- of the same table
  detail        TEXT NOT NULL,    -- JSON, a partitionDetail
  created       REAL NOT NULL,
  PRIMARY KEY (table_id, key)
) WITHOUT ROWID;

-- The values of partitions by their place in the key, from 1 on: by those of the
-- first, at 0, partitions itself is sorted.
CREATE TABLE partition_values (
  table_id INTEGER NOT NULL REFERENCES tables ON DELETE CASCADE,
  position INTEGER NOT NULL,
  value    BLOB NOT NULL,         -- UTF-8
  key      BLOB NOT NULL,         -- of the partition
  PRIMARY KEY (table_id, position, value, key)
) WITHOUT ROWID;

CREATE TABLE column_statistics (
  table_id    INTEGER NOT NULL REFERENCES tables ON DELETE CASCADE,
  key         BLOB NOT NULL,      -- of the partition; empty: of the table
  column_name TEXT NOT NULL,      -- in lower case
  document    TEXT NOT NULL,      -- JSON, a ColumnStatistics
  PRIMARY KEY (table_id, key, column_name)
) WITHOUT ROWID;

CREATE TABLE functions (
  database_id INTEGER NOT NULL REFERENCES databases ON DELETE CASCADE,
  name        TEXT NOT NULL,
  input       TEXT NOT NULL,      -- JSON, a functionInput
  created     REAL NOT NULL,
  PRIMARY KEY (database_id, name)
) WITHOUT ROWID;
