package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"sluice/internal/client"
	"sluice/internal/prestotest"
)

// Who calls the node: the suite with a key, engines with a signature.
const (
	suiteKey     = "sluice_enginetest-suite-key"
	engineID     = "SLUIENGINES"
	engineSecret = "enginetest/engine+secret"
	readerID     = "SLUIREADER" // may query the database shop
	readerSecret = "enginetest/reader+secret"
)

// A node is a running "sluice serve".
type node struct {
	*process
	url    string
	client *client.Client
}

// guarded is the configuration of a node that asks its callers who they are.
var guarded = fmt.Sprintf("query: {timeout: 1m, write: {who: keys}}\nkeys:\n  suite: {sha256: %x, admin: true}\n  engines: {access_key_id: %s, secret_env: ENGINE_SECRET, admin: true}\n"+
	"  reader: {access_key_id: %s, secret_env: READER_SECRET, query: [shop]}\n", sha256.Sum256([]byte(suiteKey)), engineID, readerID)

// startNode runs one with a configuration and a folder of its own.
func (r *runner) startNode(ctx context.Context, name, config string) (*node, error) {
	dir := filepath.Join(r.dir, name)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	config += fmt.Sprintf("listen: 127.0.0.1:0\ndata_dir: %s\nlog: {format: json}\n", filepath.Join(dir, "data"))
	file := filepath.Join(dir, "sluice.yaml")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		return nil, err
	}
	cmd := exec.Command(r.binary, "serve", "--config", file)
	cmd.Env = append(append(os.Environ(), r.env...), "ENGINE_SECRET="+engineSecret, "READER_SECRET="+readerSecret)
	p, err := start(cmd, filepath.Join(dir, "log"))
	if err != nil {
		return nil, err
	}
	n := &node{process: p}
	err = p.await(ctx, func(line string) bool {
		var said struct{ Msg, At string }
		n.url = ""
		if json.Unmarshal([]byte(line), &said) == nil && said.Msg == "serving" {
			n.url = said.At
		}
		return n.url != ""
	})
	if err != nil {
		p.stop()
		return nil, fmt.Errorf("start sluice serve: %w", err)
	}
	http, err := client.Credentials{Key: suiteKey}.HTTP()
	n.client = client.NewWith(n.url, http)
	return n, err
}

// send posts records as one request and wants all of them taken.
func (n *node) send(ctx context.Context, stream string, records []byte) error {
	res, err := n.client.Send(ctx, stream, bytes.NewReader(records))
	if err == nil && res.Rejected > 0 {
		err = fmt.Errorf("send to %s: %v", stream, res.Rejections)
	}
	return err
}

// deliver sends records and waits until they are in the lake.
func (n *node) deliver(ctx context.Context, stream string, records []byte) error {
	err := n.send(ctx, stream, records)
	if err == nil {
		_, err = n.client.Flush(ctx, stream)
	}
	return err
}

// ask is what the bundled engine says.
func (n *node) ask(ctx context.Context, sql string) (prestotest.Answer, error) {
	a := prestotest.Answer{SQL: sql}
	body, err := n.client.Query(ctx, sql, "json")
	if err != nil {
		a.Error = err.Error()
		return a, nil
	}
	defer body.Close()
	text, err := io.ReadAll(body)
	if err != nil {
		return a, err
	}
	return decodeAnswer(sql, text)
}

// decodeAnswer reads an answer as the query API and "sluice query --output json" give it.
func decodeAnswer(sql string, text []byte) (prestotest.Answer, error) {
	a := prestotest.Answer{SQL: sql}
	var answer struct {
		Columns []struct{ Type string }
		Rows    [][]json.RawMessage
	}
	if err := json.Unmarshal(text, &answer); err != nil {
		return a, fmt.Errorf("read an answer: %w: %.300s", err, text)
	}
	a.Rows = answer.Rows
	for _, c := range answer.Columns {
		a.Types = append(a.Types, c.Type)
	}
	return a, nil
}

// do runs a statement and wants it to succeed.
func (n *node) do(ctx context.Context, sql string) error {
	a, err := n.ask(ctx, sql)
	if err == nil && a.Error != "" {
		err = fmt.Errorf("%s: %s", sql, a.Error)
	}
	return err
}

// buildSluice builds the command into dir.
func buildSluice(ctx context.Context, dir string) (string, error) {
	path := filepath.Join(dir, "sluice")
	out, err := exec.CommandContext(ctx, "go", "build", "-o", path, "sluice/cmd/sluice").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("build sluice: %w\n%s", err, out)
	}
	return path, nil
}

// commit is the version of Sluice that is tested.
func commit(ctx context.Context) string {
	out, err := exec.CommandContext(ctx, "git", "describe", "--always", "--dirty").Output()
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(out))
}

func today() string { return time.Now().UTC().Format(time.DateOnly) }
