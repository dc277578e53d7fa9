package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/firehose"
	"github.com/aws/aws-sdk-go-v2/service/firehose/types"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"sluice/internal/clienttest"
)

// refuser stands before a server and leaves the Host header as it is, since it is
// signed. Of the requests that put records it answers those from from up to before to
// in turn with 503, and, where they are batches, with 200 in which every entry failed.
type refuser struct {
	*httptest.Server
	n, unavailable, failed atomic.Int64
}

func newRefuser(t *testing.T, target string, from, to int64) *refuser {
	u, err := url.Parse(target)
	if err != nil {
		t.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(u); r.Out.Host = r.In.Host }}
	f := &refuser{}
	f.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := f.n.Add(1)
		batch := strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".PutRecordBatch")
		switch {
		case n < from || n >= to || n%3 == 2:
			proxy.ServeHTTP(w, r)
		case n%3 == 1 && batch:
			var body struct{ Records []json.RawMessage }
			if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
				t.Error(err)
			}
			entry := `{"ErrorCode":"ServiceUnavailableException","ErrorMessage":"Slow down."}`
			f.failed.Add(1)
			fmt.Fprintf(w, `{"FailedPutCount":%d,"RequestResponses":[%s]}`, len(body.Records), strings.TrimSuffix(strings.Repeat(entry+",", len(body.Records)), ","))
		default:
			io.Copy(io.Discard, r.Body)
			f.unavailable.Add(1)
			w.Header().Set("Content-Type", "application/x-amz-json-1.1")
			w.WriteHeader(http.StatusServiceUnavailable)
			io.WriteString(w, `{"__type":"ServiceUnavailableException","message":"Slow down."}`)
		}
	}))
	t.Cleanup(f.Close)
	return f
}

const (
	firehoseKey    = "AKIAFIREHOSECLIENT"
	firehoseSecret = "a-secret-of-firehose-clients"
	firehoseAdmin  = "an-api-key-for-queries-in-tests"
)

// startGuarded starts a server that asks for signatures.
func startGuarded(t *testing.T, env ...string) *child {
	t.Setenv("AWS_ACCESS_KEY_ID", firehoseKey)
	t.Setenv("AWS_SECRET_ACCESS_KEY", firehoseSecret)
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	t.Setenv("AWS_SDK_JS_SUPPRESS_MAINTENANCE_MODE_MESSAGE", "1")
	t.Setenv("FIREHOSE_TEST_SECRET", firehoseSecret)
	keys := fmt.Sprintf("SLUICE_KEYS={producer: {access_key_id: %s, secret_env: FIREHOSE_TEST_SECRET, admin: true}, reader: {sha256: %s, admin: true}}",
		firehoseKey, hexSum(firehoseAdmin))
	return startServe(t, t.TempDir(), append(env, keys)...)
}

// ask is a query with the administrator's key: its rows as JSON.
func (c *child) ask(sql string) string {
	c.t.Helper()
	body, err := json.Marshal(map[string]string{"sql": sql, "format": "ndjson"})
	if err != nil {
		c.t.Fatal(err)
	}
	return c.post("/v1/query", string(body))
}

func (c *child) post(path, body string) string {
	c.t.Helper()
	r, err := http.NewRequest("POST", c.url+path, strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+firehoseAdmin)
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		c.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		c.t.Fatalf("%s %s: %d %s %v\n%s", path, body, resp.StatusCode, text, err, c.log)
	}
	return strings.TrimSpace(string(text))
}

// The SDKs as they are published send thousands of events each, signed. In the middle some
// are refused with 503, and some batches are answered 200 with entries that failed.
// SQL finds each event once.
func TestFirehoseClients(t *testing.T) {
	events := clientEvents(t)
	clients := map[string]func(t *testing.T, url string){
		"aws-sdk-js-v2": func(t *testing.T, url string) {
			clienttest.Node(t, filepath.Join("testdata", "clients", "firehose-v2.cjs"), []string{"aws-sdk"}, url, fmt.Sprint(events))
		},
		"aws-sdk-js-v3": func(t *testing.T, url string) {
			clienttest.Node(t, filepath.Join("testdata", "clients", "firehose-v3.cjs"), []string{"@aws-sdk/client-firehose"}, url, fmt.Sprint(events))
		},
		"boto3": func(t *testing.T, url string) {
			clienttest.Python(t, filepath.Join("testdata", "clients", "firehose_boto3.py"), "boto3", url, fmt.Sprint(events))
		},
		"aws-sdk-go-v2": func(t *testing.T, url string) { putWithGo(t, url, events) },
	}
	for name, run := range clients {
		t.Run(name, func(t *testing.T) {
			c := startGuarded(t)
			from, to := int64(15), int64(30) // of requests of 100
			switch name {
			case "aws-sdk-js-v2":
				from, to = 1200, 1260
			case "boto3": // whose first 100 requests are of single records
				from, to = 95, 125
			}
			f := newRefuser(t, c.url, from, to)
			run(t, f.URL)
			if f.unavailable.Load() == 0 || f.failed.Load() == 0 && name != "aws-sdk-js-v2" {
				t.Errorf("%d requests were refused, %d batches failed", f.unavailable.Load(), f.failed.Load())
			}
			sql := "select count(*) as n, count(distinct i) as ids, sum(i) as total, min(title) as title from events"
			want := fmt.Sprintf(`{"n":%d,"ids":%[1]d,"total":%d,"title":"Émile 0"}`, events, events*(events-1)/2)
			if got := c.ask(sql); got != want {
				t.Errorf("live: %s, want %s", got, want)
			}
			c.post("/v1/streams/events/flush", "")
			if got := c.ask(sql); got != want {
				t.Errorf("delivered: %s, want %s", got, want)
			}
		})
	}
}

func hexSum(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}

func goClient(url string) *firehose.Client {
	return firehose.New(firehose.Options{BaseEndpoint: aws.String(url), Region: "eu-central-1",
		Credentials: credentials.NewStaticCredentialsProvider(firehoseKey, firehoseSecret, "")})
}

func putWithGo(t *testing.T, url string, events int) {
	client := goClient(url)
	for i := 0; i < events; i += 100 {
		var records []types.Record
		for k := i; k < i+100; k++ {
			records = append(records, types.Record{Data: fmt.Appendf(nil, `{"i":%d,"title":"Émile %d","price":%g}`, k, k, float64(k)/100)})
		}
		for len(records) > 0 {
			out, err := client.PutRecordBatch(context.Background(), &firehose.PutRecordBatchInput{DeliveryStreamName: aws.String("events"), Records: records})
			if err != nil {
				t.Fatal(err)
			}
			var again []types.Record
			for k, r := range out.RequestResponses {
				if r.ErrorCode != nil {
					again = append(again, records[k])
				}
			}
			if len(again) != int(aws.ToInt32(out.FailedPutCount)) || len(out.RequestResponses) != len(records) {
				t.Fatalf("%d failed of %d", *out.FailedPutCount, len(records))
			}
			records = again
		}
	}
}

// A delivery stream with a custom prefix, from its creation to its deletion, with a
// kill in between: what it says holds for live rows, for files and for the catalog.
func TestDeliveryStream(t *testing.T) {
	dir := t.TempDir()
	c := startServe(t, dir)
	ctx := context.Background()
	name := aws.String("orders")
	_, err := goClient(c.url).CreateDeliveryStream(ctx, &firehose.CreateDeliveryStreamInput{
		DeliveryStreamName: name,
		ExtendedS3DestinationConfiguration: &types.ExtendedS3DestinationConfiguration{
			RoleARN: aws.String("arn:aws:iam::123456789012:role/x"), BucketARN: aws.String("arn:aws:s3:::any"),
			Prefix:            aws.String("!{partitionKeyFromQuery:shop}/year=!{timestamp:yyyy}/"),
			ErrorOutputPrefix: aws.String("bad/!{firehose:error-output-type}/!{timestamp:yyyy}/"),
			BufferingHints:    &types.BufferingHints{SizeInMBs: aws.Int32(1), IntervalInSeconds: aws.Int32(900)},
			S3BackupMode:      types.S3BackupModeEnabled,
			ProcessingConfiguration: &types.ProcessingConfiguration{Enabled: aws.Bool(true), Processors: []types.Processor{{
				Type: types.ProcessorTypeMetadataExtraction, Parameters: []types.ProcessorParameter{{
					ParameterName: types.ProcessorParameterNameMetadataExtractionQuery, ParameterValue: aws.String("{shop:.shop.name}")}}}}},
			DataFormatConversionConfiguration: &types.DataFormatConversionConfiguration{SchemaConfiguration: &types.SchemaConfiguration{
				DatabaseName: aws.String("sales"), TableName: aws.String("orders")}},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	c.kill()
	c = startServe(t, dir)
	client := goClient(c.url)
	for i, data := range []string{`{"n":1,"shop":{"name":"a/b"}}{"n":2,"shop":{"name":"c"}}`, `{"n":3,"shop":{"name":"d"}}`, `{"n":4}`, "no JSON\nat all"} {
		if _, err := client.PutRecord(ctx, &firehose.PutRecordInput{DeliveryStreamName: name, Record: &types.Record{Data: []byte(data)}}); err != nil {
			t.Fatalf("%d: %v", i, err)
		}
	}
	sql := "select n, partition_0 as shop, year > '2000' as y from sales.orders order by n"
	want := []string{`{"n":1,"shop":"a/b","y":true}`, `{"n":2,"shop":"c","y":true}`, `{"n":3,"shop":"d","y":true}`}
	if diff := cmp.Diff(want, c.rows(sql)); diff != "" {
		t.Errorf("live: %s", diff)
	}
	if diff := cmp.Diff([]string{`{"n":1}`}, c.rows("select n from sales.orders where partition_0 = 'a/b'")); diff != "" {
		t.Errorf("pruned: %s", diff)
	}
	d, err := client.DescribeDeliveryStream(ctx, &firehose.DescribeDeliveryStreamInput{DeliveryStreamName: name})
	if err != nil || d.DeliveryStreamDescription.DeliveryStreamStatus != types.DeliveryStreamStatusActive || d.DeliveryStreamDescription.CreateTimestamp == nil {
		t.Fatalf("%+v %v", d, err)
	}
	// A layout that the table does not have is refused while there are records.
	_, err = client.UpdateDestination(ctx, &firehose.UpdateDestinationInput{DeliveryStreamName: name, CurrentDeliveryStreamVersionId: aws.String("1"),
		DestinationId: d.DeliveryStreamDescription.Destinations[0].DestinationId, ExtendedS3DestinationUpdate: &types.ExtendedS3DestinationUpdate{
			BufferingHints: &types.BufferingHints{SizeInMBs: aws.Int32(2)}}})
	if err != nil {
		t.Error(err)
	}
	if _, err := client.DeleteDeliveryStream(ctx, &firehose.DeleteDeliveryStreamInput{DeliveryStreamName: name}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, c.rows(strings.Replace(sql, "sales.orders", "lake.sales.orders", 1))); diff != "" {
		t.Errorf("delivered before the deletion: %s", diff)
	}
	for _, pattern := range []string{"sales/orders/a%2Fb/year=20??/*.parquet", "_errors/bad/format-conversion-failed/20??/*.ndjson", "_errors/bad/processing-failed/20??/*.ndjson", "raw-logs/orders/*/*.gz"} {
		if files, err := filepath.Glob(filepath.Join(dir, "lake", pattern)); err != nil || len(files) != 1 {
			t.Errorf("%s: %v %v", pattern, files, err)
		}
	}
	documents, _ := filepath.Glob(filepath.Join(dir, "lake", "_errors/bad/format-conversion-failed/20??/*.ndjson"))
	if text, err := os.ReadFile(documents[0]); err != nil || !strings.Contains(string(text), "bm8gSlNPTgphdCBhbGw=") {
		t.Errorf("%s %v", text, err)
	}
	var gone *types.ResourceNotFoundException
	if _, err := client.DeleteDeliveryStream(ctx, &firehose.DeleteDeliveryStreamInput{DeliveryStreamName: name}); !errors.As(err, &gone) {
		t.Errorf("deleted twice: %v", err)
	}
	// Another stream whose partitions are not the table's.
	var api smithy.APIError
	_, err = client.CreateDeliveryStream(ctx, &firehose.CreateDeliveryStreamInput{DeliveryStreamName: aws.String("other"),
		ExtendedS3DestinationConfiguration: &types.ExtendedS3DestinationConfiguration{RoleARN: aws.String("arn:x"), BucketARN: aws.String("arn:aws:s3:::any"),
			DataFormatConversionConfiguration: &types.DataFormatConversionConfiguration{SchemaConfiguration: &types.SchemaConfiguration{
				DatabaseName: aws.String("sales"), TableName: aws.String("orders")}}}})
	if !errors.As(err, &api) || api.ErrorCode() != "InvalidArgumentException" || !strings.Contains(api.ErrorMessage(), "partition_0") {
		t.Errorf("other partitions: %v", err)
	}
}

// Dynamic partitioning by a query that takes jq to answer, as boto3 defines it: folders,
// rows and error documents, and a query that is none is refused with the reason.
func TestDynamicPartitioning(t *testing.T) {
	dir := t.TempDir()
	c := startServe(t, dir, "AWS_ACCESS_KEY_ID=x")
	t.Setenv("AWS_ACCESS_KEY_ID", firehoseKey)
	t.Setenv("AWS_SECRET_ACCESS_KEY", firehoseSecret)
	clienttest.Python(t, filepath.Join("testdata", "clients", "firehose_partitions.py"), "boto3", c.url)
	sql := "select n, customer_id, hour, size, customer.id as id from DB.sales.orders order by n"
	want := []string{
		`{"n":1,"customer_id":"a/b","hour":"12","size":"large","id":"a/b"}`, `{"n":2,"customer_id":"7","hour":"12","size":"small","id":"7"}`,
		`{"n":3,"customer_id":"true","hour":"00","size":"small","id":"true"}`,
	}
	simple := []string{`{"n":1,"customer_id":"a/b","hour":"12"}`, `{"n":2,"customer_id":"7","hour":"12"}`, `{"n":3,"customer_id":"true","hour":"00"}`}
	check := func(db string) {
		t.Helper()
		if diff := cmp.Diff(want, c.rows(strings.Replace(sql, "DB.", db, 1))); diff != "" {
			t.Errorf("%s%s", db, diff)
		}
		if diff := cmp.Diff(simple, c.rows("select n, customer_id, hour from "+db+"sales.plain order by n")); diff != "" {
			t.Errorf("%s%s", db, diff)
		}
	}
	check("live.")
	for _, stream := range []string{"orders", "plain"} {
		resp, err := http.Post(c.url+"/v1/streams/"+stream+"/flush", "", nil)
		if err != nil || resp.StatusCode != http.StatusOK {
			t.Fatal(resp, err)
		}
		resp.Body.Close()
	}
	check("lake.")
	check("")
	for pattern, n := range map[string]int{
		"sales/orders/customer_id=a%2Fb/hour=12/size=large/*.parquet": 1, "sales/orders/customer_id=7/hour=12/size=small/*.parquet": 1,
		"sales/orders/customer_id=true/hour=00/size=small/*.parquet": 1, "sales/orders/*/*/*/*.parquet": 3,
		"sales/plain/customer_id=7/hour=12/*.parquet": 1, "sales/plain/*/*/*.parquet": 3,
	} {
		if files, err := filepath.Glob(filepath.Join(dir, "lake", pattern)); err != nil || len(files) != n {
			t.Errorf("%s: %v %v, want %d", pattern, files, err, n)
		}
	}
	for stream, reasons := range map[string][]string{
		"orders": {"the partition key customer_id is null", "the partition key customer_id is empty", "the partition key customer_id is an array", "the program failed: error: no size"},
		"plain":  {"the partition key customer_id is missing", "the partition key customer_id is empty", "the partition key customer_id is an array"},
	} {
		files, _ := filepath.Glob(filepath.Join(dir, "lake", "_errors", stream, "processing-failed", "*.ndjson"))
		if len(files) != 1 {
			t.Fatalf("%s: documents %v", stream, files)
		}
		text, err := os.ReadFile(files[0])
		if err != nil || strings.Count(string(text), `"errorCode":"DynamicPartitioning.MetadataExtractionFailed"`) != len(reasons) {
			t.Errorf("%s: %s %v", stream, text, err)
		}
		for _, reason := range reasons {
			if !strings.Contains(string(text), reason) {
				t.Errorf("%s: no %q in %s", stream, reason, text)
			}
		}
	}
}

// A delivery from AWS that breaks off and is repeated is stored once.
func TestFirehoseDelivery(t *testing.T) {
	c := startServe(t, t.TempDir())
	var records []string
	for i := range 3000 {
		data, _ := json.Marshal(fmt.Appendf(nil, `{"i":%d,"x":%q}`, i, strings.Repeat("x", 1000)))
		records = append(records, `{"data":`+string(data)+`}`)
	}
	send := func(records []string, rest string) (status int) {
		body := `{"requestId":"ed4acda5-034f-9f42-bba1-f29aea6d7d8f","timestamp":1578090901599,"records":[` + strings.Join(records, ",") + rest
		resp, err := http.Post(c.url+"/v1/firehose/s", "application/json", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		return resp.StatusCode
	}
	if status := send(records[:2000], ""); status != 400 {
		t.Errorf("cut off: %d", status)
	}
	for range 2 {
		if status := send(records, "]}"); status != 200 {
			t.Errorf("whole: %d", status)
		}
	}
	if got, want := c.row("select count(*) as n, sum(i) as total from s"), `{"n":3000,"total":4498500}`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
