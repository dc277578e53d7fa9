package httpapi

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

	"sluice/query"
	"sluice/query/output"
	"sluice/query/result"
)

// A Client asks a remote service.
type Client struct {
	Server string       // such as http://127.0.0.1:8080
	HTTP   *http.Client // nil: http.DefaultClient
}

// maxErrorBody bounds what is read of an answer that is not 200.
const maxErrorBody = 1 << 20

// Query starts a query. An error of the query is a *query.Error. The rows must
// be closed.
func (c *Client) Query(ctx context.Context, req query.Request) (result.Rows, error) {
	resp, err := c.ask(ctx, req, "")
	if err != nil {
		return nil, err
	}
	r := &remoteRows{body: resp.Body, in: json.NewDecoder(resp.Body)}
	r.client, r.confirm = c, runOf(resp, req)
	r.in.UseNumber()
	if err := r.head(); err != nil {
		resp.Body.Close()
		return nil, fmt.Errorf("read answer of %s: %w", c.Server, err)
	}
	return r, nil
}

// Copy writes the answer to a query as the service writes it in a format other than
// JSON, tells its statistics, and commits its checkpoint. An answer that was cut off
// is an error.
func (c *Client) Copy(ctx context.Context, req query.Request, format output.Format, w io.Writer) (stats result.Stats, err error) {
	resp, err := c.ask(ctx, req, format)
	if err != nil {
		return stats, err
	}
	answer := &remoteRows{body: resp.Body, client: c, confirm: runOf(resp, req)}
	defer answer.Close()
	if _, err := io.Copy(w, resp.Body); err != nil {
		return stats, cutOff(err)
	}
	if err := json.Unmarshal([]byte(resp.Trailer.Get(statsTrailer)), &stats); err != nil {
		return stats, fmt.Errorf("read answer of %s: no statistics at its end, so it may not be whole: %w", c.Server, err)
	}
	stats.Elapsed = time.Duration(stats.ElapsedMillis * float64(time.Millisecond))
	answer.done = true
	return stats, answer.Commit(ctx)
}

// runOf is what run the answer is of, as remoteRows.confirm has it.
func runOf(resp *http.Response, req query.Request) string {
	if token := resp.Header.Get(tokenHeader); token != "" {
		return " CHECKPOINT " + req.Checkpoint + " " + token
	}
	return ""
}

// ask makes the request; an answer that is none of success is an error.
func (c *Client) ask(ctx context.Context, req query.Request, format output.Format) (*http.Response, error) {
	body, err := json.Marshal(request{SQL: req.SQL, Format: string(format), Database: req.Database, Dialect: string(req.Dialect), Parameters: req.Parameters, Limits: limitsOf(req.Limits),
		Checkpoint: req.Checkpoint, Replay: req.Replay, Confirm: req.Checkpoint != ""})
	if err != nil {
		return nil, fmt.Errorf("ask %s: %w", c.Server, err)
	}
	call, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimRight(c.Server, "/")+"/v1/query", bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("ask %s: %w", c.Server, err)
	}
	call.Header.Set("Content-Type", "application/json")
	call.Header.Set("Accept", "application/json")
	resp, err := c.do(call)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		defer resp.Body.Close()
		return nil, readError(resp)
	}
	return resp, nil
}

func readError(resp *http.Response) error {
	var doc struct {
		Error struct {
			Code    query.Code `json:"code"`
			Message string     `json:"message"`
		} `json:"error"`
	}
	text, _ := io.ReadAll(io.LimitReader(resp.Body, maxErrorBody))
	if json.Unmarshal(text, &doc) != nil || doc.Error.Code == "" {
		return fmt.Errorf("the service answered %s: %.200s", resp.Status, text)
	}
	return &query.Error{Code: doc.Error.Code, Message: doc.Error.Message}
}

// remoteRows reads a JSON answer as it comes.
type remoteRows struct {
	body    io.ReadCloser
	in      *json.Decoder
	columns []result.Column
	raw     []json.RawMessage
	values  []result.Value
	stats   result.Stats
	err     error
	done    bool
	// confirm is of what run the answer is, in the words of a statement; empty where
	// there is nothing to confirm, or it is done.
	confirm string
	client  *Client
}

// head reads up to the first row.
func (r *remoteRows) head() error {
	if err := r.expect(json.Delim('{'), "columns"); err != nil {
		return err
	}
	if err := r.in.Decode(&r.columns); err != nil {
		return err
	}
	r.values = make([]result.Value, len(r.columns))
	return r.expect("rows", json.Delim('['))
}

func (r *remoteRows) expect(tokens ...json.Token) error {
	for _, want := range tokens {
		got, err := r.in.Token()
		if err != nil {
			return err
		}
		if got != want {
			return fmt.Errorf("found %v, want %v", got, want)
		}
	}
	return nil
}

func (r *remoteRows) Columns() []result.Column { return r.columns }

func (r *remoteRows) Next() bool {
	if r.err != nil || r.done {
		return false
	}
	if !r.in.More() {
		r.done = true
		r.err = r.tail()
		return false
	}
	r.raw = r.raw[:0]
	if err := r.in.Decode(&r.raw); err != nil {
		r.err = cutOff(err)
		return false
	}
	if len(r.raw) != len(r.columns) {
		r.err = fmt.Errorf("read answer: a row of %d values, want %d", len(r.raw), len(r.columns))
		return false
	}
	for i, text := range r.raw {
		if r.values[i], r.err = decodeValue(text); r.err != nil {
			return false
		}
	}
	r.stats.Rows++
	return true
}

// decodeValue is the inverse of Value.AppendJSON.
func decodeValue(text json.RawMessage) (result.Value, error) {
	switch {
	case string(text) == "null":
		return result.Value{}, nil
	case text[0] != '"':
		return result.Value{Text: string(text), Form: result.Literal}, nil
	}
	v := result.Value{Form: result.String}
	if err := json.Unmarshal(text, &v.Text); err != nil {
		return v, fmt.Errorf("read answer: %w", err)
	}
	return v, nil
}

// tail reads what follows the rows: the statistics, or the error that ended
// them.
func (r *remoteRows) tail() error {
	if err := r.expect(json.Delim(']')); err != nil {
		return cutOff(err)
	}
	key, err := r.in.Token()
	if err != nil {
		return cutOff(err)
	}
	if key == "error" {
		var fault query.Error
		if err := r.in.Decode(&fault); err != nil {
			return cutOff(err)
		}
		return &fault
	}
	if key != "stats" {
		return fmt.Errorf("read answer: found %v behind the rows", key)
	}
	if err := r.in.Decode(&r.stats); err != nil {
		return cutOff(err)
	}
	r.stats.Elapsed = time.Duration(r.stats.ElapsedMillis * float64(time.Millisecond))
	if err := r.expect(json.Delim('}')); err != nil {
		return cutOff(err)
	}
	return nil
}

// cutOff explains the end of a connection in the middle of an answer.
func cutOff(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("read answer: it was cut off: %w", io.ErrUnexpectedEOF)
	}
	return fmt.Errorf("read answer: %w", err)
}

// Commit says that the answer was delivered, completely: see result.Commit.
func (r *remoteRows) Commit(ctx context.Context) error {
	if r.confirm == "" {
		return nil
	}
	if !r.done || r.err != nil {
		return errors.New("the answer was not read to its end, so its checkpoint stays where it was")
	}
	statement := "COMMIT" + r.confirm
	r.confirm = ""
	rows, err := r.client.Query(ctx, query.Request{SQL: statement})
	if err != nil {
		return fmt.Errorf("the answer is whole, but whether its checkpoint was committed is not certain (SHOW CHECKPOINTS tells): %w", err)
	}
	return rows.Close()
}

func (r *remoteRows) Values() []result.Value { return r.values }
func (r *remoteRows) Err() error             { return r.err }
func (r *remoteRows) Stats() result.Stats    { return r.stats }

// Close lets the next run of a checkpoint that was not committed begin, if the
// service can be told within abandonWithin; it finds out by itself, later.
func (r *remoteRows) Close() error {
	err := r.body.Close()
	if r.confirm != "" {
		ctx, cancel := context.WithTimeout(context.Background(), abandonWithin)
		defer cancel()
		rows, failed := r.client.Query(ctx, query.Request{SQL: "ABANDON" + r.confirm})
		if r.confirm = ""; failed == nil {
			rows.Close()
		}
	}
	return err
}

const abandonWithin = 5 * time.Second

// Queries lists the queries of the service that the caller may see.
func (c *Client) Queries(ctx context.Context) ([]RunningQuery, error) {
	resp, err := c.call(ctx, http.MethodGet, "/v1/queries")
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	var doc struct {
		Queries []RunningQuery `json:"queries"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&doc); err != nil {
		return nil, fmt.Errorf("read answer of %s: %w", c.Server, err)
	}
	return doc.Queries, nil
}

// Cancel cancels a query of the service.
func (c *Client) Cancel(ctx context.Context, id string) error {
	resp, err := c.call(ctx, http.MethodDelete, "/v1/queries/"+url.PathEscape(id))
	if err != nil {
		return err
	}
	return resp.Body.Close()
}

// call makes a request without a body; an answer that is none of success is an
// error.
func (c *Client) call(ctx context.Context, method, path string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, strings.TrimRight(c.Server, "/")+path, nil)
	if err != nil {
		return nil, fmt.Errorf("ask %s: %w", c.Server, err)
	}
	resp, err := c.do(req)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode/100 != 2 {
		defer resp.Body.Close()
		return nil, readError(resp)
	}
	return resp, nil
}

func (c *Client) do(req *http.Request) (*http.Response, error) {
	client := c.HTTP
	if client == nil {
		client = http.DefaultClient
	}
	resp, err := client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("ask %s: %w", c.Server, err)
	}
	return resp, nil
}
