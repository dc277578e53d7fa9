package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// maxAnswer bounds an answer that is read into memory.
const maxAnswer = 16 << 20

// A Client calls one server. It is safe for use by several goroutines.
type Client struct {
	server string
	http   *http.Client
	fault  error // with the address; every call returns it
}

// New makes a client of a server such as http://127.0.0.1:8080; without a scheme
// it is http. A fault with the address shows at the first call.
func New(server string) *Client {
	h, err := Credentials{}.HTTP()
	if err != nil {
		panic("BUG: a client without credentials: " + err.Error())
	}
	return NewWith(server, h)
}

// NewWith is New with an http.Client, such as Credentials make.
func NewWith(server string, h *http.Client) *Client {
	if !strings.Contains(server, "://") {
		server = "http://" + server
	}
	c := &Client{server: strings.TrimRight(server, "/")}
	u, err := url.Parse(c.server)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.RawQuery != "" || u.Fragment != "" {
		c.fault = fmt.Errorf("server address %q: want a URL, such as http://127.0.0.1:8080", server)
	}
	c.http = h
	return c
}

// Server is the address that is called.
func (c *Client) Server() string { return c.server }

// Health is nil if the server is up.
func (c *Client) Health(ctx context.Context) error { return c.get(ctx, "/healthz", nil) }

// Ready is nil if the server takes records and queries.
func (c *Client) Ready(ctx context.Context) error { return c.get(ctx, "/readyz", nil) }

// A StreamState is what the server says of a stream.
// Accepted = Delivered + Failed + Filtered + Deduplicated + BufferedRecords.
type StreamState struct {
	Name            string `json:"name"`
	Table           string `json:"table"` // database.table
	BufferedRecords int64  `json:"buffered_records"`
	BufferedBytes   int64  `json:"buffered_bytes"`
	// Held are those of the buffered records that wait for others of their partition, and
	// the bytes of their files.
	HeldRecords   int64      `json:"held_records"`
	HeldBytes     int64      `json:"held_bytes"`
	OldestArrival *time.Time `json:"oldest_arrival"` // of what is buffered; nil if nothing is
	OpenBatches   int        `json:"open_batches"`
	SealedBatches int        `json:"sealed_batches"`
	Accepted      int64      `json:"accepted"`
	Delivered     int64      `json:"delivered"`
	Failed        int64      `json:"failed"`
	Filtered      int64      `json:"filtered"`
	Deduplicated  int64      `json:"deduplicated"`
	LastDelivery  *time.Time `json:"last_delivery"`
	LastError     string     `json:"last_error,omitempty"`
}

// Streams is the state of all streams, by name.
func (c *Client) Streams(ctx context.Context) ([]StreamState, error) {
	var answer struct{ Streams []StreamState }
	err := c.get(ctx, "/v1/streams", &answer)
	return answer.Streams, err
}

// Stream is the state of one stream.
func (c *Client) Stream(ctx context.Context, name string) (StreamState, error) {
	var state StreamState
	path, err := streamPath(name, "")
	if err == nil {
		err = c.get(ctx, path, &state)
	}
	return state, err
}

// Flushed is what a flush delivered; all zero when nothing was buffered.
type Flushed struct {
	Batches int    `json:"batches"`
	Records int64  `json:"records"`
	Files   int    `json:"files"`
	Table   string `json:"table,omitempty"`
}

// Flush seals and delivers what a stream has buffered, and returns when it is
// registered in the catalog.
func (c *Client) Flush(ctx context.Context, stream string) (Flushed, error) {
	var f Flushed
	path, err := streamPath(stream, "/flush")
	if err != nil {
		return f, err
	}
	resp, err := c.do(ctx, http.MethodPost, path, "", nil)
	if err != nil {
		return f, err
	}
	return f, decode(resp, &f)
}

// Query runs a statement and returns the rows in a format of the server's: json,
// ndjson, csv, arrow or parquet. The caller closes the reader; an error while it
// is read means that the rows are not complete.
func (c *Client) Query(ctx context.Context, sql, format string) (io.ReadCloser, error) {
	request, err := json.Marshal(struct {
		SQL    string `json:"sql"`
		Format string `json:"format,omitempty"`
	}{sql, format})
	if err != nil {
		return nil, fmt.Errorf("encode query: %w", err)
	}
	resp, err := c.do(ctx, http.MethodPost, "/v1/query", "application/json", request)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		return nil, readError(resp)
	}
	return resp.Body, nil
}

// streamPath is the path of a stream's resource.
func streamPath(stream, resource string) (string, error) {
	if stream == "" || stream == "." || stream == ".." {
		return "", fmt.Errorf("%q cannot name a stream: want 1 to 64 of a–z, A–Z, 0–9, _, . and -", stream)
	}
	return "/v1/streams/" + url.PathEscape(stream) + resource, nil
}

// get reads the JSON answer at path into v, or nowhere if v is nil.
func (c *Client) get(ctx context.Context, path string, v any) error {
	resp, err := c.do(ctx, http.MethodGet, path, "", nil)
	if err != nil {
		return err
	}
	return decode(resp, v)
}

// do makes one request. An error means that there was no answer; body may be
// read until do has returned, by the transport even longer, but is not changed.
func (c *Client) do(ctx context.Context, method, path, contentType string, body []byte) (*http.Response, error) {
	header := http.Header{}
	if contentType != "" {
		header.Set("Content-Type", contentType)
	}
	return c.stream(ctx, method, path, header, bytes.NewReader(body))
}

// stream is do with a body of any length.
func (c *Client) stream(ctx context.Context, method, path string, header http.Header, body io.Reader) (*http.Response, error) {
	if c.fault != nil {
		return nil, c.fault
	}
	req, err := http.NewRequestWithContext(ctx, method, c.server+path, body)
	if err != nil {
		return nil, fmt.Errorf("request %s%s: %w", c.server, path, err)
	}
	req.Header = header
	resp, err := c.http.Do(req)
	switch {
	case err == nil:
		return resp, nil
	case errors.Is(err, context.Canceled) && ctx.Err() != nil:
		return nil, ctx.Err()
	}
	return nil, c.unreachable(err)
}

// decode reads a JSON answer into v, or the error that it is.
func decode(resp *http.Response, v any) error {
	if resp.StatusCode != http.StatusOK {
		return readError(resp)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return fmt.Errorf("read answer of %s: %w", resp.Request.URL, err)
	}
	if v == nil {
		return nil
	}
	if err := json.Unmarshal(data, v); err != nil {
		return fmt.Errorf("read answer of %s: %w; is that a Sluice server?", resp.Request.URL, err)
	}
	return nil
}
