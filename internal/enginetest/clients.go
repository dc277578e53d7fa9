package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

const clientsGroup = "Clients of the Glue API"

// clientTests are tests of the catalog that run clients as they are published, and
// what they show.
var clientTests = []struct{ pkg, name, engine, about string }{
	{"sluice/catalogsync/embedded", "TestBoto3", "boto3", "what a user does with the catalog: pages, segments, expressions, versions, errors"},
	{"sluice/catalogsync/embedded", "TestAWSWrangler", "awswrangler", "what a user does with the catalog: tables, partitions, columns, parameters, versions"},
	{"sluice/catalogsync/embedded", "TestAWSCLI", "AWS CLI", "every operation"},
	{"sluice/catalogsync/embedded", "TestMoto", "moto", "4,000 random calls, answered as moto's Glue does"},
	{"sluice/catalogsync", "TestEnsureCreates/moto", "moto", "our client over its Glue: databases, tables, columns"},
	{"sluice/catalogsync", "TestAddPartitions/moto", "moto", "our client over its Glue: 2,500 partitions, expressions"},
	{"sluice/catalogsync", "TestDefine/moto", "moto", "our client over its Glue: what Hive's statements do"},
	{"sluice/catalogsync", "TestTwoWriters", "catalogsync", "two writers, 1,000 rounds: a column, a field and two partitions each"},
}

// clients runs them. One that was skipped has failed: this is where they run.
func (r *runner) clients(ctx context.Context) error {
	root, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}").Output()
	if err != nil {
		return fmt.Errorf("find the module: %w", err)
	}
	dir := strings.TrimSpace(string(root))
	python, err := r.python(ctx, "catalog-clients", "-r", filepath.Join(dir, catalogClientsAt), "boto3")
	if err != nil {
		return err
	}
	out, err := exec.CommandContext(ctx, python, "-c", `import importlib.metadata as m
for p in ("boto3", "awswrangler", "awscli", "moto"): print(p, m.version(p))`).Output()
	if err != nil {
		return fmt.Errorf("list the clients' versions: %w", err)
	}
	for line := range strings.Lines(string(out)) {
		name, version, _ := strings.Cut(strings.TrimSpace(line), " ")
		r.versions = append(r.versions, [2]string{name, version})
	}
	var names, packages []string
	for _, t := range clientTests {
		name, _, _ := strings.Cut(t.name, "/")
		names = append(names, name)
		if !slices.Contains(packages, t.pkg) {
			packages = append(packages, t.pkg)
		}
	}
	args := append([]string{"-n", "10", "go", "test", "-json", "-count=1", "-p=1", "-timeout=20m", "-run", "^(" + strings.Join(names, "|") + ")$"}, packages...)
	cmd := exec.CommandContext(ctx, "nice", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "TEST_PYTHON="+python, "SLUICE_TEST_MOTO_STEPS=4000", fmt.Sprintf("SLUICE_TEST_WRITER_ROUNDS=%d", r.rounds))
	events, err := cmd.Output()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return err
	}
	results := testResults(events)
	for _, t := range clientTests {
		o := outcome{group: clientsGroup, about: t.about, engine: t.engine}
		if got := results[t.name]; got.action != "pass" {
			o.fault = fmt.Sprintf("%s: %s\n%s", t.name, got.action, tail([]byte(got.output), 2<<10))
		}
		r.add(o)
	}
	return nil
}

type testResult struct{ action, output string }

// testResults reads what go test -json says.
func testResults(events []byte) map[string]testResult {
	out := map[string]testResult{}
	lines := bufio.NewScanner(bytes.NewReader(events))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var e struct{ Action, Test, Output string }
		if json.Unmarshal(lines.Bytes(), &e) != nil || e.Test == "" {
			continue
		}
		was := out[e.Test]
		switch e.Action {
		case "output":
			was.output += e.Output
		case "pass", "fail", "skip":
			was.action = e.Action
		}
		out[e.Test] = was
	}
	return out
}
