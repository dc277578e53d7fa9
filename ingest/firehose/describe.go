package firehose

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"time"

	"sluice/configs"
	"sluice/ingest/access"
)

// A description is DeliveryStreamDescription.
type description struct {
	DeliveryStreamName                    string
	DeliveryStreamARN                     string
	DeliveryStreamStatus                  string
	DeliveryStreamEncryptionConfiguration struct{ Status string }
	DeliveryStreamType                    string
	VersionID                             string   `json:"VersionId"`
	CreateTimestamp                       float64  // seconds since 1970
	LastUpdateTimestamp                   *float64 `json:",omitempty"`
	Destinations                          []destinationDescription
	HasMoreDestinations                   bool
}

type destinationDescription struct {
	DestinationID                    string `json:"DestinationId"`
	S3DestinationDescription         destination
	ExtendedS3DestinationDescription destination
}

func (h *Handler) describe(_ *http.Request, _ *access.Principal, req *controlRequest) (any, error) {
	name := req.DeliveryStreamName
	s, ok := h.Streams.Describe(name)
	if !ok {
		return nil, unknown(name)
	}
	def := h.Definitions.get(name)
	if def == nil || h.Streams.Configured(name) {
		def = &definition{Version: 1}
		def.Destination = h.destinationOf(s)
	}
	d := description{
		DeliveryStreamName: name, DeliveryStreamARN: arn(name), DeliveryStreamStatus: "ACTIVE", DeliveryStreamType: directPut,
		VersionID: strconv.Itoa(def.Version), CreateTimestamp: seconds(def.Created),
	}
	d.DeliveryStreamEncryptionConfiguration.Status = "DISABLED"
	if h.Definitions.closed(name) {
		d.DeliveryStreamStatus = "DELETING"
	}
	if !def.Updated.IsZero() {
		at := seconds(def.Updated)
		d.LastUpdateTimestamp = &at
	}
	full := filled(def.Destination, s)
	d.Destinations = []destinationDescription{{destinationID, simple(full), full}}
	return map[string]any{"DeliveryStreamDescription": d}, nil
}

func seconds(t time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return float64(t.UnixMilli()) / 1000
}

// destinationOf tells a stream of the configuration as a destination.
func (h *Handler) destinationOf(s configs.Stream) destination {
	bucket := h.Bucket
	if bucket == "" {
		bucket = "local"
	}
	d := destination{RoleARN: ptr("arn:aws:iam::000000000000:role/sluice"), BucketARN: ptr("arn:aws:s3:::" + bucket)}
	if s.Prefix != "" {
		d.Prefix = &s.Prefix
	}
	if s.ErrorPrefix != "" {
		d.ErrorOutputPrefix = &s.ErrorPrefix
	}
	if s.KeepRaw {
		d.S3BackupMode = ptr("Enabled")
	}
	return d
}

func ptr[T any](v T) *T { return &v }

// filled has what clients expect to be there.
func filled(d destination, s configs.Stream) destination {
	if d.RoleARN == nil {
		d.RoleARN = ptr("arn:aws:iam::000000000000:role/sluice")
	}
	h := value(d.BufferingHints)
	if h.SizeInMBs == nil {
		h.SizeInMBs = ptr(int(s.Size / configs.MiB))
	}
	if h.IntervalInSeconds == nil {
		h.IntervalInSeconds = ptr(int(s.Interval / time.Second))
	}
	d.BufferingHints = &h
	if d.CompressionFormat == nil {
		d.CompressionFormat = ptr("UNCOMPRESSED")
	}
	if d.S3BackupMode == nil {
		d.S3BackupMode = ptr("Disabled")
	}
	if d.EncryptionConfiguration == nil {
		d.EncryptionConfiguration = json.RawMessage(`{"NoEncryptionConfig":"NoEncryption"}`)
	}
	if d.CloudWatchLoggingOptions == nil {
		d.CloudWatchLoggingOptions = json.RawMessage(`{"Enabled":false}`)
	}
	return d
}

// simple is the older form of the description, which says less.
func simple(d destination) destination {
	return destination{
		RoleARN: d.RoleARN, BucketARN: d.BucketARN, Prefix: d.Prefix, ErrorOutputPrefix: d.ErrorOutputPrefix, BufferingHints: d.BufferingHints,
		CompressionFormat: d.CompressionFormat, EncryptionConfiguration: d.EncryptionConfiguration, CloudWatchLoggingOptions: d.CloudWatchLoggingOptions,
	}
}

// The bounds of a page of ListDeliveryStreams and ListTagsForDeliveryStream.
const (
	defaultNames, maxNames = 10, 10000
	maxTags                = 50
)

func (h *Handler) list(_ *http.Request, who *access.Principal, req *controlRequest) (any, error) {
	limit := defaultNames
	if req.Limit != nil {
		limit = *req.Limit
	}
	if limit < 1 || limit > maxNames {
		return nil, invalid("Value '%d' at 'limit' failed to satisfy constraint: Member must be between 1 and %d", limit, maxNames)
	}
	names := h.Streams.Names()
	if req.DeliveryStreamType != "" && req.DeliveryStreamType != directPut {
		names = nil
	}
	names = slices.DeleteFunc(slices.Clone(names), func(name string) bool {
		return name <= req.ExclusiveStartDeliveryStreamName || !who.MayWrite(name)
	})
	slices.Sort(names)
	more := len(names) > limit
	return map[string]any{"DeliveryStreamNames": append([]string{}, names[:min(limit, len(names))]...), "HasMoreDeliveryStreams": more}, nil
}

// addTags adds tags within the API's bounds.
func addTags(tags map[string]string, add []tagShape) error {
	for _, t := range add {
		if len(t.Key) < 1 || len(t.Key) > 128 || len(t.Value) > 256 {
			return invalid("the tag %.130q: want a key of 1 to 128 characters and a value of at most 256", t.Key)
		}
		tags[t.Key] = t.Value
	}
	if len(tags) > maxTags {
		return faultf(typeLimit, "a delivery stream has at most %d tags", maxTags)
	}
	return nil
}

func (h *Handler) tag(_ *http.Request, _ *access.Principal, req *controlRequest) (any, error) {
	if len(req.Tags) == 0 {
		return nil, invalid("Tags must not be empty")
	}
	return struct{}{}, h.edit(req.DeliveryStreamName, func(def *definition) error {
		if def.Tags == nil {
			def.Tags = map[string]string{}
		}
		return addTags(def.Tags, req.Tags)
	})
}

func (h *Handler) untag(_ *http.Request, _ *access.Principal, req *controlRequest) (any, error) {
	if len(req.TagKeys) == 0 {
		return nil, invalid("TagKeys must not be empty")
	}
	return struct{}{}, h.edit(req.DeliveryStreamName, func(def *definition) error {
		for _, key := range req.TagKeys {
			delete(def.Tags, key)
		}
		return nil
	})
}

func (h *Handler) listTags(_ *http.Request, _ *access.Principal, req *controlRequest) (any, error) {
	if _, ok := h.Streams.Describe(req.DeliveryStreamName); !ok {
		return nil, unknown(req.DeliveryStreamName)
	}
	limit := maxTags
	if req.Limit != nil {
		limit = *req.Limit
	}
	if limit < 1 || limit > maxTags {
		return nil, invalid("Value '%d' at 'limit' failed to satisfy constraint: Member must be between 1 and %d", limit, maxTags)
	}
	tags, more := []tagShape{}, false
	if def := h.Definitions.get(req.DeliveryStreamName); def != nil {
		for _, key := range slices.Sorted(maps.Keys(def.Tags)) {
			switch {
			case key <= req.ExclusiveStartTagKey:
			case len(tags) == limit:
				more = true
			default:
				tags = append(tags, tagShape{key, def.Tags[key]})
			}
		}
	}
	return map[string]any{"Tags": tags, "HasMoreTags": more}, nil
}
