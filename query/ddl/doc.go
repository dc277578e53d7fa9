// Package ddl reads Hive's statements that define tables, as Athena takes them:
//
//	CREATE (DATABASE|SCHEMA) [IF NOT EXISTS] d [COMMENT 't'] [LOCATION 'l'] [WITH DBPROPERTIES ('k'='v', …)]
//	DROP (DATABASE|SCHEMA) [IF EXISTS] d [RESTRICT|CASCADE]
//	CREATE EXTERNAL TABLE [IF NOT EXISTS] [d.]t (c type [COMMENT 't'], …) [COMMENT 't']
//	    [PARTITIONED BY (c type [COMMENT 't'], …)]
//	    [ROW FORMAT (SERDE 'class' [WITH SERDEPROPERTIES (…)] | DELIMITED [FIELDS TERMINATED BY 'x' [ESCAPED BY 'x']]
//	        [COLLECTION ITEMS TERMINATED BY 'x'] [MAP KEYS TERMINATED BY 'x'] [LINES TERMINATED BY '\n'] [NULL DEFINED AS 'x'])]
//	    [STORED AS (PARQUET | TEXTFILE | JSONFILE | INPUTFORMAT 'class' OUTPUTFORMAT 'class')]
//	    LOCATION 'l' [TBLPROPERTIES ('k'='v', …)]
//	DROP TABLE [IF EXISTS] [d.]t
//	ALTER TABLE t ADD [IF NOT EXISTS] PARTITION (k='v', …) [LOCATION 'l'] PARTITION …
//	ALTER TABLE t DROP [IF EXISTS] PARTITION (k='v', …), PARTITION …
//	ALTER TABLE t ADD COLUMNS (c type [COMMENT 't'], …)
//	ALTER TABLE t SET TBLPROPERTIES ('k'='v', …)
//	ALTER TABLE t SET LOCATION 'l'
//	MSCK REPAIR TABLE t
//	SHOW PARTITIONS t [PARTITION (k='v', …)]
//	SHOW CREATE TABLE t
//	SHOW TBLPROPERTIES t [('k')]
//	SHOW DATABASES LIKE 'p*|q*', SHOW TABLES [IN d] 'p*|q*'
//	DESCRIBE (FORMATTED|EXTENDED) t
//
// Names may stand in backticks or double quotes, texts in single or double quotes with
// backslashes as in Hive. The clauses behind a table's columns may come in any order.
// Everything else of Hive's is refused by name.
package ddl
