package main

import (
	"bytes"
	"context"
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"sluice/internal/prestotest"
	"sluice/internal/s3test"
)

const filesGroup = "The same files, read and written without Presto's protocol"

//go:embed scripts
var scripts embed.FS

// A count is a condition on one column, which each engine writes in its own way.
type count struct {
	Table string `json:"table"`
	Field string `json:"field"`
	Op    string `json:"op"` // =, > or IS NULL
	Value any    `json:"value"`
	SQL   string `json:"sql"`
}

var counts = []count{
	{Table: "visits", Field: "ip", Op: "=", Value: "10.0.3.3"},
	{Table: "visits", Field: "hr", Op: ">", Value: 8},
	{Table: "visits", Field: "dt", Op: "=", Value: "2026-03-02"},
	{Table: "purchases", Field: "genre", Op: "=", Value: "Mystery"},
	{Table: "purchases", Field: "country", Op: "=", Value: "DE"},
	{Table: "ordered", Field: "bookid", Op: "=", Value: "d632c4b8-2361-4ae4-91a3-1800b4ebc32b"},
	{Table: "ordered", Field: "userid", Op: ">", Value: "f0"},
	{Table: "evolved", Field: "price", Op: ">", Value: 2.0},
	{Table: "evolved", Field: "price", Op: "IS NULL"},
	{Table: "odd", Field: "region", Op: "=", Value: "it's"},
	{Table: "odd", Field: "region", Op: "IS NULL"},
}

// A task is what a script is told.
type task struct {
	Glue     string   `json:"glue"`
	Key      string   `json:"key"`
	Secret   string   `json:"secret"`
	S3       string   `json:"s3"`
	S3Key    string   `json:"s3_key"`
	S3Secret string   `json:"s3_secret"`
	Settings string   `json:"settings"` // of Spark, a line each
	Tables   []string `json:"tables"`
	Counts   []count  `json:"counts"`
	Write    string   `json:"write"` // where the copy of kinds goes
}

func (r *runner) spark(ctx context.Context) error {
	python, err := r.python(ctx, "pyspark-"+pysparkVersion, "pyspark=="+pysparkVersion, "boto3")
	if err != nil {
		return err
	}
	if _, err := r.artifact(ctx, "org.apache.hadoop:hadoop-aws:"+hadoopAWS, true); err != nil {
		return err
	}
	var jars []string
	for _, pattern := range []string{"org/apache/hadoop/hadoop-aws/*/*.jar", "software/amazon/awssdk/bundle/*/*.jar", "software/amazon/s3/analyticsaccelerator/*/*/*.jar"} {
		found, err := filepath.Glob(filepath.Join(r.cache.dir, "m2", filepath.FromSlash(pattern)))
		if err != nil || len(found) == 0 {
			return fmt.Errorf("no %s came with hadoop-aws: %w", pattern, err)
		}
		jars = append(jars, found...)
	}
	java, _, err := java(17, 25)
	if err != nil {
		return err
	}
	title := "Spark " + pysparkVersion
	r.versions = append(r.versions, [2]string{"Spark, over S3A of Hadoop " + hadoopAWS, pysparkVersion})
	r.settings = append(r.settings, setting{title, sparkSettings("http://s3:9000", "…", "…")})
	env := s3test.Environment()
	settings := sparkSettings(r.s3, env["AWS_ACCESS_KEY_ID"], env["AWS_SECRET_ACCESS_KEY"]) + "spark.jars=" + strings.Join(jars, ",") +
		"\nspark.driver.bindAddress=127.0.0.1\nspark.driver.host=127.0.0.1\nspark.ui.enabled=false\n"
	return r.files(ctx, "spark", title, python, settings, "JAVA_HOME="+filepath.Dir(filepath.Dir(java)), "SPARK_LOCAL_IP=127.0.0.1")
}

func (r *runner) pyarrow(ctx context.Context) error {
	python, err := r.python(ctx, "pyarrow-"+pyarrowVersion, "pyarrow=="+pyarrowVersion, "boto3")
	if err != nil {
		return err
	}
	r.versions = append(r.versions, [2]string{"PyArrow datasets", pyarrowVersion})
	return r.files(ctx, "arrow", "PyArrow "+pyarrowVersion, python, "")
}

// sparkSettings are what Spark is told of the lake, a line each.
func sparkSettings(s3, key, secret string) string {
	return fmt.Sprintf(`spark.hadoop.fs.s3a.endpoint=%s
spark.hadoop.fs.s3a.endpoint.region=%s
spark.hadoop.fs.s3a.path.style.access=true
spark.hadoop.fs.s3a.connection.ssl.enabled=false
spark.hadoop.fs.s3a.access.key=%s
spark.hadoop.fs.s3a.secret.key=%s
spark.sql.session.timeZone=UTC
spark.sql.sources.partitionColumnTypeInference.enabled=false
spark.sql.parquet.datetimeRebaseModeInRead=CORRECTED
spark.sql.parquet.int96RebaseModeInRead=CORRECTED
`, s3, s3test.Region, key, secret)
}

// files runs a script and compares what it read, and then what it wrote.
func (r *runner) files(ctx context.Context, script, title, python, settings string, env ...string) error {
	dir := filepath.Join(r.dir, script)
	text, err := fs.Sub(scripts, "scripts")
	if err == nil {
		err = os.CopyFS(dir, text)
	}
	if err != nil {
		return err
	}
	s3 := s3test.Environment()
	t := task{Glue: r.node.url, Key: engineID, Secret: engineSecret, S3: r.s3, S3Key: s3["AWS_ACCESS_KEY_ID"], S3Secret: s3["AWS_SECRET_ACCESS_KEY"],
		Settings: settings, Tables: byFolder, Write: "s3://lake/tables/by_" + script + "/copied/"}
	for _, c := range counts {
		c.SQL = c.statement()
		t.Counts = append(t.Counts, c)
	}
	told, err := json.Marshal(t)
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "task.json"), told, 0o600)
	}
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, "nice", "-n", "10", python, filepath.Join(dir, script+".py"), filepath.Join(dir, "task.json"))
	cmd.Env = append(append(os.Environ(), env...), "PYTHONUNBUFFERED=1")
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		err = fmt.Errorf("%s.py: %w\n%s", script, err, tail(stderr.Bytes(), 3<<10))
		r.add(outcome{group: filesGroup, about: "all of it ran", engine: title, fault: err.Error()})
	}
	answers := map[string]prestotest.Answer{}
	for d := json.NewDecoder(&stdout); d.More(); {
		var a prestotest.Answer
		if err := d.Decode(&a); err != nil {
			return fmt.Errorf("%s.py: read its answers: %w", script, err)
		}
		answers[a.SQL] = a
	}
	for _, table := range byFolder {
		r.sameFiles(ctx, title, "all of "+table, answers[table], "SELECT * FROM shop."+table)
	}
	for _, c := range t.Counts {
		r.sameFiles(ctx, title, c.Table+" where "+c.condition(), answers[c.SQL], c.SQL)
	}
	return r.readBack(ctx, script, title)
}

func (c count) condition() string {
	switch v := c.Value.(type) {
	case nil:
		return c.Field + " " + c.Op
	case string:
		return fmt.Sprintf("%s %s '%s'", c.Field, c.Op, strings.ReplaceAll(v, "'", "''"))
	default:
		return fmt.Sprintf("%s %s %v", c.Field, c.Op, v)
	}
}

func (c count) statement() string {
	return "SELECT count(*) FROM shop." + c.Table + " WHERE " + c.condition()
}

// sameFiles compares rows in any order.
func (r *runner) sameFiles(ctx context.Context, title, about string, theirs prestotest.Answer, sql string) {
	ours, err := r.node.ask(ctx, sql)
	if err == nil && theirs.Rows == nil {
		err = fmt.Errorf("%s: no answer", about)
	}
	if err == nil {
		err = differ(prestotest.Sorted(theirs), prestotest.Sorted(ours))
	}
	o := outcome{group: filesGroup, about: about, engine: title, note: fmt.Sprintf("%d rows", len(theirs.Rows))}
	if strings.HasPrefix(sql, "SELECT count") && len(theirs.Rows) == 1 {
		o.note = string(theirs.Rows[0][0])
	}
	if err != nil {
		o.fault = err.Error()
	}
	r.add(o)
}

// readBack has the bundled engine read what the script wrote, after MSCK REPAIR TABLE.
func (r *runner) readBack(ctx context.Context, script, title string) error {
	db := "by_" + script
	var err error
	for _, sql := range []string{"CREATE DATABASE " + db, `CREATE EXTERNAL TABLE ` + db + `.copied (flag boolean, tiny tinyint, small smallint, whole int, big bigint, single float, twice double,
		price decimal(9,2), exact decimal(18,4), day date, at timestamp, word string, raw binary, tags array<string>, numbers array<bigint>, attrs map<string,string>, counts map<string,bigint>,
		who struct<name:string,address:struct<city:string,zip:int>>, orders array<struct<sku:string,qty:bigint,price:decimal(10,2)>>)
		PARTITIONED BY (part string) STORED AS PARQUET LOCATION 's3://lake/tables/` + db + `/copied/'`, "MSCK REPAIR TABLE " + db + ".copied"} {
		if err == nil {
			err = r.node.do(ctx, sql)
		}
	}
	const columns = `SELECT part, flag, tiny, small, whole, big, single, twice, price, exact, day, "at", word, raw, tags, numbers, attrs, counts, who, orders FROM `
	var source, copied prestotest.Answer
	if err == nil {
		source, err = r.node.ask(ctx, columns+"shop.kinds")
	}
	if err == nil {
		copied, err = r.node.ask(ctx, columns+db+".copied")
	}
	if err == nil {
		err = differ(prestotest.Sorted(source), prestotest.Sorted(copied))
	}
	o := outcome{group: filesGroup, about: "a partitioned copy of kinds that it wrote, after MSCK REPAIR TABLE", engine: title, note: fmt.Sprintf("%d rows", len(copied.Rows))}
	if err != nil {
		o.fault = err.Error()
	}
	r.add(o)
	return nil
}
