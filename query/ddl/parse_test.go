package ddl_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sluice/internal/lake"
	"sluice/query/ddl"
)

// brief is a statement on one line, as far as it says anything.
func brief(s *ddl.Statement) string {
	var b strings.Builder
	kinds := []string{"", "create database", "drop database", "create table", "drop table", "add partitions", "drop partitions", "add columns",
		"set properties", "set location", "repair", "show partitions", "show create", "show properties", "show databases", "show tables", "describe"}
	b.WriteString(kinds[s.Kind] + " " + strings.Join(s.Name, "."))
	put := func(ok bool, text string) {
		if ok {
			b.WriteString(" " + text)
		}
	}
	put(s.Lenient, "lenient")
	put(s.Cascade, "cascade")
	put(s.Comment != "", "comment="+s.Comment)
	columns := func(what string, list []ddl.Column) {
		for _, c := range list {
			b.WriteString(" " + what + c.Name + ":" + c.Text)
			put(c.Comment != "", "/"+c.Comment)
		}
	}
	columns("", s.Columns)
	columns("by:", s.Keys)
	short := map[string]string{lake.ParquetSerDe: "parquet", lake.OpenXJSONSerDe: "openx", lake.HiveJSONSerDe: "hivejson", lake.OpenCSVSerDe: "csv", lake.LazySimpleSerDe: "lazy"}
	if s.Kind == ddl.CreateTable {
		name, ok := short[s.Storage.SerDe]
		if !ok {
			name = s.Storage.SerDe
		}
		b.WriteString(" " + name)
		put(s.Storage.InputFormat != lake.ParquetInputFormat && s.Storage.InputFormat != lake.TextInputFormat, s.Storage.InputFormat)
		for _, k := range []string{"field.delim", "escape.delim", "collection.delim", "mapkey.delim", "line.delim", "serialization.null.format", "separatorChar", "ignore.malformed.json"} {
			v, ok := s.Storage.Properties[k]
			put(ok, k+"="+v)
		}
	}
	put(s.Location != "", "at="+s.Location)
	for _, k := range []string{"a", "b", "skip.header.line.count"} {
		v, ok := s.Properties[k]
		put(ok, k+"="+v)
	}
	for _, p := range s.Partitions {
		b.WriteString(" [" + strings.Join(p.Keys, ",") + "=" + strings.Join(p.Values, ",") + "]" + p.Location)
	}
	put(s.Property != "", "property="+s.Property)
	put(s.Pattern != "", "pattern="+s.Pattern)
	return b.String()
}

var statements = []struct{ sql, want string }{
	{"CREATE DATABASE shop", "create database shop"},
	{"create schema if not exists `Shop` comment 'it''s' location 's3://b/shop/' with dbproperties ('a'='1');", "create database shop lenient comment=it's at=s3://b/shop/ a=1"},
	{"DROP DATABASE IF EXISTS shop CASCADE", "drop database shop lenient cascade"},
	{"DROP SCHEMA shop RESTRICT", "drop database shop"},
	{"-- a comment\nCREATE EXTERNAL TABLE t (a int) LOCATION 'l'", "create table t a:int lazy at=l"},
	{"CREATE EXTERNAL TABLE IF NOT EXISTS d.t (`a` INTEGER COMMENT 'x', b varchar(20), `date` DECIMAL(10, 2), s STRUCT<`x`:INT,\n y: array < map<string,string> > >) COMMENT \"t\" PARTITIONED BY (dt string COMMENT 'day', `hour` int) STORED AS PARQUET LOCATION \"s3://b/t\" TBLPROPERTIES ('a'='x\\ty', \"b\"=\"'\")",
		"create table d.t lenient comment=t a:int /x b:varchar(20) date:decimal(10,2) s:struct<x:int,y:array<map<string,string>>> by:dt:string /day by:hour:int parquet at=s3://b/t a=x\ty b='"},
	{"CREATE EXTERNAL TABLE t (a int) ROW FORMAT DELIMITED FIELDS TERMINATED BY ',' ESCAPED BY '\\\\' COLLECTION ITEMS TERMINATED BY '\\002' MAP KEYS TERMINATED BY '\\u0003' LINES TERMINATED BY '\\n' NULL DEFINED AS '' LOCATION 'l' TBLPROPERTIES ('skip.header.line.count'='1')",
		"create table t a:int lazy field.delim=, escape.delim=\\ collection.delim=\x02 mapkey.delim=\x03 line.delim=\n serialization.null.format= at=l skip.header.line.count=1"},
	{"CREATE EXTERNAL TABLE t (a int) ROW FORMAT SERDE 'org.openx.data.jsonserde.JsonSerDe' WITH SERDEPROPERTIES ('ignore.malformed.json'='true') STORED AS TEXTFILE LOCATION 'l'", "create table t a:int openx ignore.malformed.json=true at=l"},
	{"CREATE EXTERNAL TABLE t (a int) ROW FORMAT SERDE 'org.apache.hive.hcatalog.data.JsonSerDe' LOCATION 'l'", "create table t a:int hivejson at=l"},
	{"CREATE EXTERNAL TABLE t (a int) STORED AS JSONFILE LOCATION 'l'", "create table t a:int hivejson at=l"},
	{"CREATE EXTERNAL TABLE t (a string) ROW FORMAT SERDE 'org.apache.hadoop.hive.serde2.OpenCSVSerde' WITH SERDEPROPERTIES (\"separatorChar\" = \"\\t\") LOCATION 'l'", "create table t a:string csv separatorChar=\t at=l"},
	{"CREATE EXTERNAL TABLE t (a int) ROW FORMAT SERDE 'org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe' STORED AS INPUTFORMAT 'org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat' OUTPUTFORMAT 'x' LOCATION 'l'", "create table t a:int parquet at=l"},
	{"CREATE EXTERNAL TABLE t (a int) STORED AS INPUTFORMAT 'org.apache.hadoop.mapred.TextInputFormat' OUTPUTFORMAT 'x' LOCATION 'l'", "create table t a:int lazy at=l"},
	{"CREATE EXTERNAL TABLE t (a int) ROW FORMAT SERDE 'x.Y' STORED AS INPUTFORMAT 'x.In' OUTPUTFORMAT 'x.Out' LOCATION 'l'", "create table t a:int x.Y x.In at=l"},
	{"CREATE EXTERNAL TABLE t (a int, `comment` string, location string) LOCATION 'l' COMMENT 'c'", "create table t comment=c a:int comment:string location:string lazy at=l"},
	{"DROP TABLE IF EXISTS awsdatacatalog.d.t", "drop table awsdatacatalog.d.t lenient"},
	{"ALTER TABLE t ADD IF NOT EXISTS PARTITION (dt='2026-01-31', hour=5) LOCATION 's3://b/x/' PARTITION (dt = \"b\", HOUR = '6')", "add partitions t lenient [dt,hour=2026-01-31,5]s3://b/x/ [dt,hour=b,6]"},
	{"alter table t add partition (dt=date '2026-01-31')", "add partitions t [dt=2026-01-31]"},
	{"ALTER TABLE t DROP IF EXISTS PARTITION (dt='a'), PARTITION (dt='b') PURGE", "drop partitions t lenient [dt=a] [dt=b]"},
	{"ALTER TABLE t ADD COLUMNS (x bigint COMMENT 'n', y map<string,string>)", "add columns t x:bigint /n y:map<string,string>"},
	{"ALTER TABLE t SET TBLPROPERTIES ('a' = '2')", "set properties t a=2"},
	{"ALTER TABLE t SET LOCATION 's3://b/y'", "set location t at=s3://b/y"},
	{"MSCK REPAIR TABLE d.t;", "repair d.t"},
	{"msck repair table t add partitions", "repair t"},
	{"SHOW PARTITIONS d.t", "show partitions d.t"},
	{"SHOW PARTITIONS t PARTITION (dt='x')", "show partitions t [dt=x]"},
	{"SHOW CREATE TABLE t", "show create t"},
	{"SHOW TBLPROPERTIES t", "show properties t"},
	{"SHOW TBLPROPERTIES t('a')", "show properties t property=a"},
	{"SHOW DATABASES LIKE 's*|t'", "show databases  pattern=s*|t"},
	{"SHOW TABLES 'p*'", "show tables  pattern=p*"},
	{"SHOW TABLES IN shop 'p*'", "show tables shop pattern=p*"},
	{"DESCRIBE FORMATTED t", "describe t"},
	{"DESC EXTENDED d.t", "describe d.t"},
}

func TestParse(t *testing.T) {
	for _, c := range statements {
		s, ok, err := ddl.Parse(c.sql)
		if err != nil || !ok {
			t.Errorf("%s: %v, %v", c.sql, ok, err)
			continue
		}
		if diff := cmp.Diff(c.want, brief(s)); diff != "" {
			t.Errorf("%s\n%s", c.sql, diff)
		}
	}
}

// others are not the package's.
var others = []string{
	"", "SELECT 1", "WITH a AS (SELECT 1) SELECT * FROM a", "CREATE TABLE t AS SELECT 1", "CREATE TABLE t WITH (format = 'PARQUET') AS SELECT 1", "CREATE VIEW v AS SELECT 1",
	"CREATE OR REPLACE VIEW v AS SELECT 1", "DROP VIEW v", "SHOW TABLES", "SHOW TABLES IN shop", "SHOW TABLES FROM shop LIKE 'x%'", "SHOW TABLES LIKE 'a' ESCAPE '!'", "SHOW DATABASES", "SHOW DATABASES LIKE 's_op'", "SHOW DATABASES LIKE 's!_' ESCAPE '!'", "SHOW SCHEMAS LIKE 'x'",
	`SHOW TABLES FROM "shop"`, `SHOW TABLES FROM a."b"`, "SHOW COLUMNS FROM t", "SHOW FUNCTIONS", "DESCRIBE t", "DESCRIBE formatted", "DESC d.t", "INSERT INTO t SELECT 1", "CREATE", "SHOW",
}

func TestOthers(t *testing.T) {
	for _, sql := range others {
		if s, ok, err := ddl.Parse(sql); ok || err != nil {
			t.Errorf("%s: %+v, %v", sql, s, err)
		}
	}
}

// faults are statements and where they are wrong: before the |.
var faults = []struct{ sql, want string }{
	{"CREATE DATABASE |", "a database's name is expected, not the end"},
	{"CREATE EXTERNAL TABLE t (a int)|", "a LOCATION is missing"},
	{"CREATE EXTERNAL TABLE t (a int) LOCATION |s3", "a location in quotes is expected"},
	{"CREATE EXTERNAL TABLE t (a int) LOCATION |''", "a location is empty"},
	{"CREATE EXTERNAL TABLE t (a |text) LOCATION 'l'", `column a: parse type "text": unknown type`},
	{"CREATE EXTERNAL TABLE t (a |struct<a int>) LOCATION 'l'", "column a"},
	{"CREATE EXTERNAL TABLE t (a int, |A string) LOCATION 'l'", "two columns a"},
	{"CREATE EXTERNAL TABLE t (a int) PARTITIONED BY (|a string) LOCATION 'l'", "two columns a"},
	{"CREATE EXTERNAL TABLE t (a int, LOCATION |'l'", "a type is expected"},
	{"CREATE EXTERNAL TABLE t (a int) STORED AS |ORC LOCATION 'l'", "STORED AS ORC is not supported"},
	{"CREATE EXTERNAL TABLE t (a int) |CLUSTERED BY (a) INTO 4 BUCKETS LOCATION 'l'", "CLUSTERED is not supported"},
	{"CREATE EXTERNAL TABLE t (a int) LOCATION 'l' TBLPROPERTIES ('a'|)", "= is expected"},
	{"CREATE |TABLE t (a int)", "CREATE EXTERNAL TABLE with a LOCATION"},
	{"CREATE |TABLE t (a int) STORED AS PARQUET LOCATION 'l'", "CREATE EXTERNAL TABLE with a LOCATION"},
	{"CREATE EXTERNAL |VIEW v", "TABLE is expected, not VIEW"},
	{"CREATE EXTERNAL TABLE t (a int) LOCATION |'l", "there is no ' that ends this"},
	{"DROP TABLE t |PURGE", "the end of the statement is expected"},
	{"ALTER TABLE t |RENAME TO u", "ALTER TABLE takes"},
	{"ALTER TABLE t ADD PARTITION (dt |> 'a')", "comparisons are not supported"},
	{"ALTER TABLE t ADD PARTITION (dt = |x)", "a value in quotes"},
	{"ALTER TABLE t DROP PARTITION (dt='a') LOCATION |'l'", "takes no LOCATION"},
	{"MSCK REPAIR TABLE t |SYNC PARTITIONS", "only adds"},
	{"SHOW CREATE TABLE |", "a table's name is expected"},
}

func TestFaults(t *testing.T) {
	for _, c := range faults {
		before, behind, _ := strings.Cut(c.sql, "|")
		_, ok, err := ddl.Parse(before + behind)
		var fault *ddl.Error
		if ok || !errors.As(err, &fault) {
			t.Errorf("%s: %v, %v", c.sql, ok, err)
			continue
		}
		if !strings.Contains(fault.Message, c.want) || fault.Position != len(before) && !(behind == "" && fault.Position >= len(strings.TrimSpace(before))) {
			t.Errorf("%s: %q at %d, want %q at %d", c.sql, fault.Message, fault.Position, c.want, len(before))
		}
	}
}

// Whatever is in a text comes back from its quotes.
func FuzzQuote(f *testing.F) {
	f.Add("it's \\ \n\t\x01é\u2028")
	f.Fuzz(func(t *testing.T, text string) {
		text = strings.ToValidUTF8(text, "")
		s, ok, err := ddl.Parse("SHOW TABLES " + ddl.Quote(text))
		if err != nil || !ok || s.Pattern != text {
			t.Fatalf("%q is quoted as %s: %+v, %v", text, ddl.Quote(text), s, err)
		}
	})
}

// No statement makes the parser fail in another way than by an error within it.
func FuzzParse(f *testing.F) {
	for _, c := range statements {
		f.Add(c.sql)
	}
	for _, c := range faults {
		f.Add(strings.ReplaceAll(c.sql, "|", ""))
	}
	for _, sql := range others {
		f.Add(sql)
	}
	f.Fuzz(func(t *testing.T, sql string) {
		s, ok, err := ddl.Parse(sql)
		var fault *ddl.Error
		switch {
		case err != nil && (!errors.As(err, &fault) || fault.Position < 0 || fault.Position > len(sql)):
			t.Fatalf("error %v", err)
		case ok && (s == nil || s.Kind == 0 || s.At > len(sql)):
			t.Fatalf("statement %+v", s)
		case ok:
			for _, c := range s.Columns {
				if again, err := lake.ParseType(c.Text); err != nil || !again.Equal(c.Type) {
					t.Fatalf("the type %s is read as %s, %v", c.Text, again, err)
				}
			}
		}
	})
}
