package firehose

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"sluice/configs"
	"sluice/ingest"
	"sluice/ingest/access"
)

// Streams is the rest of the service, as delivery streams need it.
type Streams interface {
	// Configured reports whether the configuration file has the stream: it is not
	// the API's to change then.
	Configured(stream string) bool
	// Describe is what holds for the stream, with everything filled in; ok is false if
	// there is no such stream yet.
	Describe(stream string) (s configs.Stream, ok bool)
	// Names are those of all streams there are.
	Names() []string
	// Check says what is wrong with such a stream, as a person can understand.
	Check(ctx context.Context, stream string, s configs.Stream) error
	// Drain delivers what the stream has buffered.
	Drain(ctx context.Context, stream string) error
}

const (
	// maxControlBody bounds a request of the control plane.
	maxControlBody = 128 << 10
	destinationID  = "destinationId-000000000001"
	directPut      = "DirectPut"
)

// controls are the operations that change or tell what streams there are. A stream
// that an operation names must be one that the caller may write; what changes it is
// for administrators.
var controls = map[string]struct {
	change bool
	serve  func(h *Handler, r *http.Request, who *access.Principal, req *controlRequest) (any, error)
}{
	"CreateDeliveryStream":          {true, (*Handler).create},
	"DescribeDeliveryStream":        {false, (*Handler).describe},
	"ListDeliveryStreams":           {false, (*Handler).list},
	"UpdateDestination":             {true, (*Handler).update},
	"DeleteDeliveryStream":          {true, (*Handler).remove},
	"TagDeliveryStream":             {true, (*Handler).tag},
	"UntagDeliveryStream":           {true, (*Handler).untag},
	"ListTagsForDeliveryStream":     {false, (*Handler).listTags},
	"StartDeliveryStreamEncryption": {true, (*Handler).startEncryption},
	"StopDeliveryStreamEncryption":  {true, (*Handler).stopEncryption},
}

// A controlRequest has the members of all these operations.
type controlRequest struct {
	DeliveryStreamName                 string
	DeliveryStreamType                 string
	ExtendedS3DestinationConfiguration *configuration
	S3DestinationConfiguration         *configuration
	ExtendedS3DestinationUpdate        *configuration
	S3DestinationUpdate                *configuration
	CurrentDeliveryStreamVersionID     string          `json:"CurrentDeliveryStreamVersionId"`
	DestinationID                      string          `json:"DestinationId"`
	DeliveryStreamEncryption           json.RawMessage `json:"DeliveryStreamEncryptionConfigurationInput"`
	Tags                               []tagShape
	TagKeys                            []string
	ExclusiveStartTagKey               string
	ExclusiveStartDeliveryStreamName   string
	Limit                              *int
	others                             []string // members that are destinations of another kind
}

type tagShape struct {
	Key   string
	Value string `json:",omitempty"`
}

// control serves an operation of the control plane.
func (h *Handler) control(w http.ResponseWriter, r *http.Request, op string) error {
	c, ok := controls[op]
	if !ok {
		return faultf(typeUnknown, "there is no operation %.80q", op)
	}
	q, err := h.open(w, r, maxControlBody)
	if err != nil {
		return err
	}
	var req controlRequest
	who, err := q.end(req.read(q.window))
	if err != nil {
		return err
	}
	switch {
	case c.change && !who.Admin():
		return h.Access.Forbidden(who, "call "+op)
	case req.DeliveryStreamName != "" && !who.MayWrite(req.DeliveryStreamName):
		return h.Access.Forbidden(who, "ask about the stream "+shorten(req.DeliveryStreamName))
	case op != "ListDeliveryStreams" && !ingest.ValidStream(req.DeliveryStreamName):
		return invalid("DeliveryStreamName %.80q: want 1 to 64 of a-z, A-Z, 0-9, '_', '.' and '-'", req.DeliveryStreamName)
	case h.Definitions == nil || h.Streams == nil:
		return faultf(typeUnknown, "delivery streams are not managed here")
	}
	answer, err := c.serve(h, r, who, &req)
	if err != nil {
		return err
	}
	body, err := json.Marshal(answer)
	if err != nil {
		return fmt.Errorf("marshal answer: %w", err)
	}
	w.Header()["Content-Type"] = contentType
	w.Write(body)
	return nil
}

func (req *controlRequest) read(w *window) error {
	value, err := w.value()
	if err != nil {
		return err
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(value, &members); err != nil {
		return malformed("the request is no JSON object of this operation: %v", err)
	}
	for name := range members {
		if (strings.HasSuffix(name, "Configuration") || strings.HasSuffix(name, "Update")) && !strings.Contains(name, "S3Destination") {
			req.others = append(req.others, name)
		}
	}
	if err := json.Unmarshal(value, req); err != nil {
		return malformed("the request is not of this operation: %v", err)
	}
	return w.done()
}

// destination is the one that a request gives.
func (req *controlRequest) destination(s3 ...*configuration) (destination, error) {
	slices.Sort(req.others)
	if len(req.others) > 0 {
		return destination{}, invalid("%s is not supported: want ExtendedS3DestinationConfiguration", req.others[0])
	}
	given := slices.DeleteFunc(s3, func(c *configuration) bool { return c == nil })
	if len(given) != 1 {
		return destination{}, invalid("want one destination, ExtendedS3DestinationConfiguration; found %d", len(given))
	}
	d := given[0].destination
	for _, backup := range []json.RawMessage{given[0].S3BackupConfiguration, given[0].S3BackupUpdate} {
		if len(backup) > 0 {
			d.S3BackupDescription = backup
		}
	}
	return d, nil
}

// accept checks a destination for a stream.
func (h *Handler) accept(ctx context.Context, stream string, d destination) (configs.Stream, error) {
	bucket := strings.TrimPrefix(value(d.BucketARN), "arn:aws:s3:::")
	switch {
	case bucket == "" || bucket == value(d.BucketARN):
		return configs.Stream{}, invalid("BucketARN %.80q: want arn:aws:s3:::bucket", value(d.BucketARN))
	case h.Bucket != "" && bucket != h.Bucket:
		return configs.Stream{}, invalid("BucketARN names the bucket %.80q, but Sluice delivers to the bucket %s (the setting lake)", bucket, h.Bucket)
	}
	s, err := d.stream()
	if err == nil {
		if err := h.Streams.Check(ctx, stream, s); err != nil {
			return s, invalid("%s", err.Error())
		}
	}
	return s, err
}

func (h *Handler) create(r *http.Request, _ *access.Principal, req *controlRequest) (any, error) {
	name := req.DeliveryStreamName
	if req.DeliveryStreamType != "" && req.DeliveryStreamType != directPut {
		return nil, invalid("DeliveryStreamType %.40q is not supported: want DirectPut", req.DeliveryStreamType)
	}
	if len(req.DeliveryStreamEncryption) > 0 {
		return nil, errEncryption
	}
	d, err := req.destination(req.ExtendedS3DestinationConfiguration, req.S3DestinationConfiguration)
	if err != nil {
		return nil, err
	}
	s, err := h.accept(r.Context(), name, d)
	if err != nil {
		return nil, err
	}
	tags := map[string]string{}
	if err := addTags(tags, req.Tags); err != nil {
		return nil, err
	}
	if h.Streams.Configured(name) {
		return nil, faultf(typeInUse, "Firehose %s already exists: it is in the configuration", name)
	}
	err = h.Definitions.change(name, func(old *definition) (*definition, error) {
		switch {
		case old != nil:
			return nil, faultf(typeInUse, "Firehose %s already exists", name)
		case len(h.Definitions.byName) >= h.MaxStreams:
			return nil, faultf(typeLimit, "there are %d delivery streams, the most there may be (max_streams)", h.MaxStreams)
		}
		return &definition{Created: arrival(), Version: 1, Destination: d, Tags: tags, stream: s}, nil
	})
	return map[string]string{"DeliveryStreamARN": arn(name)}, err
}

// edit changes a stream that was created by the API.
func (h *Handler) edit(name string, change func(def *definition) error) error {
	if h.Streams.Configured(name) {
		return invalid("Firehose %s is in the configuration: change it there", name)
	}
	return h.Definitions.change(name, func(old *definition) (*definition, error) {
		if old == nil {
			return nil, unknown(name)
		}
		def := *old
		def.Tags = maps.Clone(old.Tags)
		return &def, change(&def)
	})
}

func (h *Handler) update(r *http.Request, _ *access.Principal, req *controlRequest) (any, error) {
	d, err := req.destination(req.ExtendedS3DestinationUpdate, req.S3DestinationUpdate)
	if err != nil {
		return nil, err
	}
	if req.DestinationID != destinationID {
		return nil, invalid("DestinationId %.80q: want %s", req.DestinationID, destinationID)
	}
	name := req.DeliveryStreamName
	old := h.Definitions.get(name)
	if old == nil || h.Streams.Configured(name) {
		return struct{}{}, h.edit(name, nil)
	}
	merged, err := old.Destination.over(d)
	if err != nil {
		return nil, err
	}
	s, err := h.accept(r.Context(), name, merged)
	if err != nil {
		return nil, err
	}
	return struct{}{}, h.edit(name, func(def *definition) error {
		if req.CurrentDeliveryStreamVersionID != strconv.Itoa(def.Version) || def.Version != old.Version {
			return faultf(typeConcurrent, "CurrentDeliveryStreamVersionId is %.20q, but the stream's version is %d: describe it and update again", req.CurrentDeliveryStreamVersionID, def.Version)
		}
		def.Destination, def.stream, def.Version, def.Updated = merged, s, def.Version+1, arrival()
		return nil
	})
}

// remove delivers what is buffered and forgets the stream. While it works the stream
// takes nothing from this API. If it fails or we crash before the end the stream is
// as it was; nothing acknowledged is lost either way, since the log outlives the
// definition.
func (h *Handler) remove(r *http.Request, _ *access.Principal, req *controlRequest) (any, error) {
	name := req.DeliveryStreamName
	switch {
	case h.Streams.Configured(name):
		return nil, faultf(typeInUse, "Firehose %s is in the configuration: remove it there", name)
	case h.Definitions.get(name) == nil:
		return nil, unknown(name)
	case !h.shut(name):
		return nil, faultf(typeInUse, "Firehose %s is being deleted", name)
	}
	defer h.Definitions.setClosed(name, false)
	if err := h.Streams.Drain(r.Context(), name); err != nil {
		return nil, &fault{status: http.StatusServiceUnavailable, kind: typeUnavailable, retryAfter: 5 * time.Second, err: err,
			message: fmt.Sprintf("Firehose %s is not deleted: its records are not delivered yet, and stay buffered; delete it again later", name)}
	}
	return struct{}{}, h.Definitions.change(name, func(*definition) (*definition, error) { return nil, nil })
}

// shut lets nothing more into a stream; what was on its way has arrived when it
// returns. It is false where somebody else did so.
func (h *Handler) shut(name string) bool {
	h.gate.Lock()
	defer h.gate.Unlock()
	return h.Definitions.setClosed(name, true)
}

var errEncryption = invalid("encryption at rest is the disk's and the bucket's to do: DeliveryStreamEncryptionConfigurationInput is not supported")

func (h *Handler) startEncryption(_ *http.Request, _ *access.Principal, req *controlRequest) (any, error) {
	return nil, errEncryption
}

func (h *Handler) stopEncryption(_ *http.Request, _ *access.Principal, req *controlRequest) (any, error) {
	if _, ok := h.Streams.Describe(req.DeliveryStreamName); !ok {
		return nil, unknown(req.DeliveryStreamName)
	}
	return struct{}{}, nil // there is none to stop
}

func unknown(name string) error {
	return faultf(typeNotFound, "Firehose %.80s not found", name)
}

func arn(name string) string {
	return "arn:aws:firehose:us-east-1:000000000000:deliverystream/" + name
}
