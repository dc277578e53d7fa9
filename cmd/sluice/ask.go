package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"

	"sluice/buffer"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// An errand is what a command has the service do that runs, or does itself where none
// holds the data folder.
type errand struct {
	path string // of the call, a POST of a JSON document
	what string // as the errors of access name it
	// status is how far it is, where that can be watched.
	status func(s *service, ctx context.Context) upkeepStatus
	// asking, if set, is called when a server is about to be asked; what it returns is
	// called when it has answered.
	asking func(ctx context.Context, server string, h *http.Client) (stop func())
}

// maxErrand bounds the document that a call brings.
const maxErrand = 1 << 20

// run asks the server, if one is named, or the one that holds the data folder, or has
// do work on the folder itself. The answer is put into out.
func (e errand) run(o *options, c *cobra.Command, server string, req, out any, do func(ctx context.Context, s *service) error) (err error) {
	if server != "" {
		return e.ask(c.Context(), o, server, req, out)
	}
	cfg, err := o.load()
	if err != nil {
		return err
	}
	if _, err := os.Stat(cfg.DataDir); errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("there is no data folder %s and no --server was given", cfg.DataDir)
	}
	cfg.Log.Level = "warn"
	s, err := openService(c.Context(), cfg, logger(cfg, c))
	if errors.Is(err, buffer.ErrLocked) {
		return e.ask(c.Context(), o, ownURL(cfg), req, out)
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	return do(c.Context(), s)
}

// errandFlags adds the flags that say where an errand is run and how its answer is
// reported.
func (o *options) errandFlags(c *cobra.Command, server, format *string) {
	o.serviceFlags(c)
	c.Flags().MarkHidden("listen")
	c.Flags().StringVar(server, "server", "", "ask the service at `URL` (default: the data folder, or the service that holds it)")
	o.clientFlags(c)
	reportFlag(c.Flags(), format, "how to report")
}

// reportFlag adds the flag that says how an answer is reported.
func reportFlag(f *pflag.FlagSet, format *string, usage string) {
	*format = "text"
	f.Var((*reportFormat)(format), "output", usage)
}

// A reportFormat is text, for people, or json.
type reportFormat string

func (f *reportFormat) Set(s string) error {
	if s != "text" && s != "json" {
		return errors.New("want text or json")
	}
	*f = reportFormat(s)
	return nil
}

func (f *reportFormat) String() string { return string(*f) }

func (f *reportFormat) Type() string { return "text|json" }

// report writes an answer in the format that was asked for; text does for people.
func report(w io.Writer, format string, answer any, text func(io.Writer)) error {
	if format == "json" {
		return printJSON(w, answer)
	}
	text(w)
	return nil
}

func (e errand) ask(ctx context.Context, o *options, server string, req, out any) error {
	h, err := o.httpClient()
	if err != nil {
		return err
	}
	body, err := json.Marshal(req)
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimSuffix(server, "/")+e.path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	if e.asking != nil {
		defer e.asking(ctx, server, h)()
	}
	resp, err := h.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(resp.Body, 4<<10))
		return fmt.Errorf("%s%s: %s: %s", server, e.path, resp.Status, strings.TrimSpace(string(text)))
	}
	if err := json.NewDecoder(resp.Body).Decode(out); err != nil {
		return fmt.Errorf("read the answer of %s: %w", server, err)
	}
	return nil
}

// serve answers the call: do reads the request by decode and returns the answer. Who
// asks must say that it sends JSON, which a page of another site cannot.
func (e errand) serve(s *service, do func(ctx context.Context, decode func(into any) error) (any, error)) http.Handler {
	return s.adminOnly(e.what, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if kind, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";"); strings.TrimSpace(kind) != "application/json" {
			http.Error(w, "want Content-Type: application/json", http.StatusUnsupportedMediaType)
			return
		}
		var bad error
		answer, err := do(r.Context(), func(into any) error {
			dec := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxErrand))
			dec.DisallowUnknownFields()
			if bad = dec.Decode(into); bad != nil {
				bad = fmt.Errorf("read request: %w", bad)
			}
			return bad
		})
		var usage usageError
		switch {
		case bad != nil || errors.As(err, &usage):
			http.Error(w, err.Error(), http.StatusBadRequest)
		case err != nil:
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
		default:
			w.Header().Set("Content-Type", "application/json")
			json.NewEncoder(w).Encode(answer) // a client that is gone hears nothing
		}
	}))
}

// printJSON writes an answer for scripts.
func printJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}
