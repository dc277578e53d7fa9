package firehose_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sluice/configs"
	"sluice/ingest/firehose"
)

// house is the rest of the service.
type house struct {
	definitions *firehose.Definitions
	configured  map[string]bool
	check       error
	drain       func(stream string) error
}

func (h *house) Configured(s string) bool { return h.configured[s] }

func (h *house) Describe(name string) (configs.Stream, bool) {
	s, ok := h.definitions.Stream(name)
	return configs.Default().Complete(name, s), ok || h.configured[name]
}

func (h *house) Names() []string {
	names := h.definitions.Names()
	for name := range h.configured {
		names = append(names, name)
	}
	return names
}

func (h *house) Check(context.Context, string, configs.Stream) error { return h.check }

func (h *house) Drain(_ context.Context, s string) error {
	if h.drain != nil {
		return h.drain(s)
	}
	return nil
}

type managed struct {
	*server
	*house
	path string
}

func newManaged(t *testing.T) *managed {
	t.Helper()
	m := &managed{path: filepath.Join(t.TempDir(), "streams.json"), house: &house{configured: map[string]bool{"fixed": true}}}
	m.reopen(t)
	return m
}

// reopen is a restart.
func (m *managed) reopen(t *testing.T) {
	t.Helper()
	m.house.definitions = must(firehose.OpenDefinitions(m.path))
	m.server = newServer(t, func(c *firehose.Config) {
		c.Definitions, c.Streams, c.MaxStreams = m.house.definitions, m.house, 100
	})
}

// do calls an operation and reads its answer.
func (m *managed) do(op, body string) (a answer, v map[string]any) {
	m.t.Helper()
	a = m.call(op, strings.NewReader(body))
	if err := json.Unmarshal([]byte(a.raw), &v); err != nil {
		m.t.Fatal(err)
	}
	return a, v
}

// good is do for one that must succeed.
func (m *managed) good(op, body string) map[string]any {
	m.t.Helper()
	a, v := m.do(op, body)
	if a.status != 200 {
		m.t.Fatalf("%s %s: %d %s", op, body, a.status, a.raw)
	}
	return v
}

func (m *managed) bad(op, body, kind, text string) {
	m.t.Helper()
	if a, _ := m.do(op, body); a.status != 400 || a.Type != kind || !strings.Contains(a.Message, text) {
		m.t.Errorf("%s %s: %d %s, want %s with %q", op, body, a.status, a.raw, kind, text)
	}
}

const fullStream = `{"DeliveryStreamName":"purchases","DeliveryStreamType":"DirectPut","ExtendedS3DestinationConfiguration":{
	"RoleARN":"arn:aws:iam::123456789012:role/x","BucketARN":"arn:aws:s3:::bucket",
	"Prefix":"customer=!{partitionKeyFromQuery:customer}/!{timestamp:yyyy}/","ErrorOutputPrefix":"errors/!{firehose:error-output-type}/",
	"BufferingHints":{"SizeInMBs":64,"IntervalInSeconds":60},"CompressionFormat":"UNCOMPRESSED","CustomTimeZone":"Europe/Berlin",
	"S3BackupMode":"Enabled","S3BackupConfiguration":{"RoleARN":"arn:aws:iam::123456789012:role/x","BucketARN":"arn:aws:s3:::raw"},
	"DynamicPartitioningConfiguration":{"Enabled":true,"RetryOptions":{"DurationInSeconds":300}},
	"ProcessingConfiguration":{"Enabled":true,"Processors":[
		{"Type":"RecordDeAggregation","Parameters":[{"ParameterName":"SubRecordType","ParameterValue":"JSON"}]},
		{"Type":"MetadataExtraction","Parameters":[{"ParameterName":"MetadataExtractionQuery","ParameterValue":"{customer:.customer.id, y:(.ts|strftime(\"%Y\"))}"},{"ParameterName":"JsonParsingEngine","ParameterValue":"JQ-1.6"}]}]},
	"DataFormatConversionConfiguration":{"Enabled":true,"SchemaConfiguration":{"DatabaseName":"shop","TableName":"sales","Region":"eu-central-1","RoleARN":"arn:x"},
		"InputFormatConfiguration":{"Deserializer":{"OpenXJsonSerDe":{}}},"OutputFormatConfiguration":{"Serializer":{"ParquetSerDe":{"Compression":"GZIP"}}}}},
	"Tags":[{"Key":"team","Value":"books"}]}`

func simpleStream(name string) string {
	return fmt.Sprintf(`{"DeliveryStreamName":%q,"S3DestinationConfiguration":{"RoleARN":"arn:x","BucketARN":"arn:aws:s3:::bucket"}}`, name)
}

func TestCreate(t *testing.T) {
	m := newManaged(t)
	v := m.good("CreateDeliveryStream", fullStream)
	if v["DeliveryStreamARN"] != "arn:aws:firehose:us-east-1:000000000000:deliverystream/purchases" {
		t.Errorf("%v", v)
	}
	for range 2 {
		got, ok := m.definitions.Stream("purchases")
		want := configs.Stream{
			Table: "shop.sales", Prefix: "customer=!{partitionKeyFromQuery:customer}/!{timestamp:yyyy}/",
			PartitionQuery: `{customer:.customer.id, y:(.ts|strftime("%Y"))}`, TimeZone: "Europe/Berlin",
			ErrorPrefix: "errors/!{firehose:error-output-type}/", KeepRaw: true, Size: 64 * configs.MiB, Interval: time.Minute,
			Layout: configs.Layout{Compression: "gzip"},
		}
		if diff := cmp.Diff(want, got); diff != "" || !ok {
			t.Error(diff)
		}
		m.reopen(t)
	}
	m.bad("CreateDeliveryStream", fullStream, "ResourceInUseException", "exists")
	m.bad("CreateDeliveryStream", simpleStream("fixed"), "ResourceInUseException", "configuration")

	d := m.good("DescribeDeliveryStream", `{"DeliveryStreamName":"purchases"}`)["DeliveryStreamDescription"].(map[string]any)
	for member, want := range map[string]any{
		"DeliveryStreamName": "purchases", "DeliveryStreamStatus": "ACTIVE", "DeliveryStreamType": "DirectPut", "VersionId": "1", "HasMoreDestinations": false,
		"DeliveryStreamEncryptionConfiguration": map[string]any{"Status": "DISABLED"},
	} {
		if diff := cmp.Diff(want, d[member]); diff != "" {
			t.Errorf("%s: %s", member, diff)
		}
	}
	to := d["Destinations"].([]any)[0].(map[string]any)
	s3 := to["ExtendedS3DestinationDescription"].(map[string]any)
	var asked map[string]any
	json.Unmarshal([]byte(fullStream), &asked)
	for member, want := range asked["ExtendedS3DestinationConfiguration"].(map[string]any) {
		if member == "S3BackupConfiguration" {
			member = "S3BackupDescription"
		}
		if diff := cmp.Diff(want, s3[member]); diff != "" {
			t.Errorf("%s: %s", member, diff)
		}
	}
	if to["DestinationId"] != "destinationId-000000000001" || d["CreateTimestamp"].(float64) < 1e9 || s3["EncryptionConfiguration"] == nil {
		t.Errorf("%v", d)
	}
}

func TestCreateRefused(t *testing.T) {
	m := newManaged(t)
	for text, destination := range map[string]string{
		"BucketARN":               `{}`,
		"arn:aws:s3:::bucket":     `{"BucketARN":"bucket"}`,
		"sizeInMBs":               `{"BucketARN":"arn:aws:s3:::b","BufferingHints":{"SizeInMBs":129}}`,
		"intervalInSeconds":       `{"BucketARN":"arn:aws:s3:::b","BufferingHints":{"IntervalInSeconds":901}}`,
		"ErrorOutputPrefix":       `{"BucketARN":"arn:aws:s3:::b","Prefix":"!{timestamp:yyyy}/"}`,
		"Lambda":                  `{"BucketARN":"arn:aws:s3:::b","ProcessingConfiguration":{"Processors":[{"Type":"Lambda"}]}}`,
		"MetadataExtractionQuery": `{"BucketARN":"arn:aws:s3:::b","Prefix":"x/","ProcessingConfiguration":{"Processors":[{"Type":"MetadataExtraction","Parameters":[{"ParameterName":"MetadataExtractionQuery","ParameterValue":" "}]}]}}`,
		"which is not set":        `{"BucketARN":"arn:aws:s3:::b","ProcessingConfiguration":{"Processors":[{"Type":"MetadataExtraction","Parameters":[{"ParameterName":"MetadataExtractionQuery","ParameterValue":"{a:.b+1}"}]}]}}`,
		"ORC":                     `{"BucketARN":"arn:aws:s3:::b","DataFormatConversionConfiguration":{"OutputFormatConfiguration":{"Serializer":{"ParquetSerDe":{"Compression":"ORC"}}}}}`,
		"OrcSerDe":                `{"BucketARN":"arn:aws:s3:::b","DataFormatConversionConfiguration":{"OutputFormatConfiguration":{"Serializer":{"OrcSerDe":{}}}}}`,
		"S3BackupMode":            `{"BucketARN":"arn:aws:s3:::b","S3BackupMode":"Sometimes"}`,
		"slash":                   `{"BucketARN":"arn:aws:s3:::b","Prefix":"/x/"}`,
	} {
		m.bad("CreateDeliveryStream", `{"DeliveryStreamName":"s","ExtendedS3DestinationConfiguration":`+destination+`}`, "InvalidArgumentException", text)
	}
	m.bad("CreateDeliveryStream", `{"DeliveryStreamName":"s"}`, "InvalidArgumentException", "one destination")
	m.bad("CreateDeliveryStream", `{"DeliveryStreamName":"a/b"}`, "InvalidArgumentException", "DeliveryStreamName")
	m.bad("CreateDeliveryStream", `{"DeliveryStreamName":"s","DeliveryStreamType":"KinesisStreamAsSource"}`, "InvalidArgumentException", "DirectPut")
	m.bad("CreateDeliveryStream", `{"DeliveryStreamName":"s","SplunkDestinationConfiguration":{}}`, "InvalidArgumentException", "Splunk")
	m.bad("CreateDeliveryStream", `{"DeliveryStreamName":5}`, "SerializationException", "")
	m.bad("CreateDeliveryStream", `[]`, "SerializationException", "")
	m.house.check = errors.New("no such zone")
	m.bad("CreateDeliveryStream", simpleStream("s"), "InvalidArgumentException", "no such zone")
	if names := m.definitions.Names(); len(names) > 0 {
		t.Errorf("%v came to be", names)
	}
}

func TestList(t *testing.T) {
	m := newManaged(t)
	for i := range 24 {
		m.good("CreateDeliveryStream", simpleStream(fmt.Sprintf("s%02d", i)))
	}
	var got []string
	start := ""
	for pages := 0; ; pages++ {
		v := m.good("ListDeliveryStreams", `{"ExclusiveStartDeliveryStreamName":"`+start+`"}`)
		for _, name := range v["DeliveryStreamNames"].([]any) {
			got = append(got, name.(string))
		}
		if v["HasMoreDeliveryStreams"] != true {
			if pages != 2 {
				t.Errorf("%d pages", pages)
			}
			break
		}
		start = got[len(got)-1]
	}
	if len(got) != 25 || !slices.IsSorted(got) || got[0] != "fixed" {
		t.Error(got)
	}
	if v := m.good("ListDeliveryStreams", `{"Limit":10000,"DeliveryStreamType":"KinesisStreamAsSource"}`); len(v["DeliveryStreamNames"].([]any)) != 0 {
		t.Error(v)
	}
	m.bad("ListDeliveryStreams", `{"Limit":0}`, "InvalidArgumentException", "limit")
	m.bad("DescribeDeliveryStream", `{"DeliveryStreamName":"none"}`, "ResourceNotFoundException", "none")
	if v := m.good("DescribeDeliveryStream", `{"DeliveryStreamName":"fixed"}`); !strings.Contains(fmt.Sprint(v), "arn:aws:s3:::local") {
		t.Error(v)
	}
}

func TestUpdate(t *testing.T) {
	m := newManaged(t)
	m.good("CreateDeliveryStream", fullStream)
	update := func(version, change string) string {
		return fmt.Sprintf(`{"DeliveryStreamName":"purchases","CurrentDeliveryStreamVersionId":%q,"DestinationId":"destinationId-000000000001","ExtendedS3DestinationUpdate":%s}`, version, change)
	}
	m.good("UpdateDestination", update("1", `{"BufferingHints":{"SizeInMBs":5},"S3BackupMode":"Disabled"}`))
	m.bad("UpdateDestination", update("1", `{}`), "ConcurrentModificationException", "version is 2")
	m.bad("UpdateDestination", update("2", `{"BufferingHints":{"SizeInMBs":500}}`), "InvalidArgumentException", "sizeInMBs")
	m.bad("UpdateDestination", strings.Replace(update("2", `{}`), "0001", "0002", 1), "InvalidArgumentException", "DestinationId")
	m.bad("UpdateDestination", strings.Replace(update("2", `{}`), "purchases", "other", 1), "ResourceNotFoundException", "other")
	m.bad("UpdateDestination", strings.Replace(update("2", `{}`), "purchases", "fixed", 1), "InvalidArgumentException", "configuration")
	m.reopen(t)
	s, _ := m.definitions.Stream("purchases")
	if s.Size != 5*configs.MiB || s.Interval != 0 || s.KeepRaw || s.Table != "shop.sales" || s.Prefix == "" {
		t.Errorf("%+v", s)
	}
	if v := m.good("DescribeDeliveryStream", `{"DeliveryStreamName":"purchases"}`); !strings.Contains(fmt.Sprint(v), "VersionId:2") {
		t.Error(v)
	}
}

// A stream that is deleted takes nothing, and is drained before it is forgotten.
func TestDelete(t *testing.T) {
	m := newManaged(t)
	m.good("CreateDeliveryStream", simpleStream("s"))
	m.house.drain = func(name string) error {
		if a := m.call("PutRecord", recordOf("s", "{}")); a.status != 400 || a.Type != "ResourceNotFoundException" {
			t.Errorf("put while deleted: %d %s", a.status, a.raw)
		}
		if a, _ := m.do("DeleteDeliveryStream", `{"DeliveryStreamName":"s"}`); a.Type != "ResourceInUseException" {
			t.Errorf("deleted twice: %s", a.raw)
		}
		if v := m.good("DescribeDeliveryStream", `{"DeliveryStreamName":"s"}`); !strings.Contains(fmt.Sprint(v), "DELETING") {
			t.Error(v)
		}
		return errors.New("the lake is away")
	}
	if a, _ := m.do("DeleteDeliveryStream", `{"DeliveryStreamName":"s"}`); a.status != 503 || strings.Contains(a.raw, "lake") {
		t.Errorf("%d %s", a.status, a.raw)
	}
	if a := m.call("PutRecord", recordOf("s", "{}")); a.status != 200 {
		t.Errorf("put after a failed deletion: %d %s", a.status, a.raw)
	}
	m.house.drain = nil
	m.good("DeleteDeliveryStream", `{"DeliveryStreamName":"s","AllowForceDelete":true}`)
	m.bad("DescribeDeliveryStream", `{"DeliveryStreamName":"s"}`, "ResourceNotFoundException", "s")
	m.bad("DeleteDeliveryStream", `{"DeliveryStreamName":"s"}`, "ResourceNotFoundException", "s")
	m.bad("DeleteDeliveryStream", `{"DeliveryStreamName":"fixed"}`, "ResourceInUseException", "configuration")
	m.reopen(t)
	if names := m.definitions.Names(); len(names) > 0 {
		t.Error(names)
	}
}

func TestTags(t *testing.T) {
	m := newManaged(t)
	m.good("CreateDeliveryStream", fullStream)
	m.good("TagDeliveryStream", `{"DeliveryStreamName":"purchases","Tags":[{"Key":"a","Value":"1"},{"Key":"b"},{"Key":"team","Value":"other"}]}`)
	m.good("UntagDeliveryStream", `{"DeliveryStreamName":"purchases","TagKeys":["a","none"]}`)
	m.reopen(t)
	v := m.good("ListTagsForDeliveryStream", `{"DeliveryStreamName":"purchases","Limit":1}`)
	if diff := cmp.Diff(map[string]any{"Tags": []any{map[string]any{"Key": "b"}}, "HasMoreTags": true}, v); diff != "" {
		t.Error(diff)
	}
	v = m.good("ListTagsForDeliveryStream", `{"DeliveryStreamName":"purchases","ExclusiveStartTagKey":"b"}`)
	if diff := cmp.Diff(map[string]any{"Tags": []any{map[string]any{"Key": "team", "Value": "other"}}, "HasMoreTags": false}, v); diff != "" {
		t.Error(diff)
	}
	m.bad("TagDeliveryStream", `{"DeliveryStreamName":"purchases","Tags":[]}`, "InvalidArgumentException", "Tags")
	m.bad("TagDeliveryStream", `{"DeliveryStreamName":"other","Tags":[{"Key":"a"}]}`, "ResourceNotFoundException", "other")
	m.bad("StartDeliveryStreamEncryption", `{"DeliveryStreamName":"purchases"}`, "InvalidArgumentException", "encryption")
	m.good("StopDeliveryStreamEncryption", `{"DeliveryStreamName":"purchases"}`)
}
