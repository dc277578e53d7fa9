package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// An outcome is what became of one thing that was tried with one engine.
type outcome struct {
	group, about string // what was tried
	engine       string
	fault        string // what was wrong; "" if it held
	reason       string // that it differs, and why that is right
	note         string
}

// A report is what a run found.
type report struct {
	outcomes []outcome
	versions [][2]string // what was run, and its version
	settings []setting
}

// A setting is how an engine was told where our catalog and lake are.
type setting struct{ engine, text string }

func (r *report) add(o outcome) { r.outcomes = append(r.outcomes, o) }

func (r *report) failed() (n int) {
	for _, o := range r.outcomes {
		if o.fault != "" {
			n++
		}
	}
	return n
}

func (r *report) summary() string {
	var b strings.Builder
	for _, o := range r.outcomes {
		if o.fault != "" {
			fmt.Fprintf(&b, "FAIL %s: %s: %s\n     %s\n", o.engine, o.group, o.about, strings.ReplaceAll(o.fault, "\n", "\n     "))
		}
	}
	fmt.Fprintf(&b, "%d passed, %d failed\n", len(r.outcomes)-r.failed(), r.failed())
	return b.String()
}

// unrun tells what the suite should have and could not get.
const unrun = `Not run: PrestoDB 0.297 and Trino 435. On 2026-11-30 Maven said ` + "`Could not find artifact`" + ` to com.facebook.presto:presto-server:tar.gz in the
versions 0.297 to 0.291 and 0.288, and to io.trino:trino-server:tar.gz in 434, 435 and 436; those in the table are the nearest that came.

Spark and PyArrow read the files, with the columns that the catalog tells boto3. Spark with our catalog as its metastore is not shown: the client that makes
Glue Spark's metastore (AWSGlueDataCatalogHiveClientFactory) is published as source, to be built with a patched Hive (HIVE-12679), and as no artifact
(awslabs/aws-glue-data-catalog-client-for-apache-hive-metastore, issues 4 and 47). Waggle Dance, a metastore before Glue that has this client in it and a setting
for the endpoint (glue-config, glue-endpoint), did not come from Maven either (com.hotels:waggle-dance:tgz:bin:3.13.8). Iceberg's GlueCatalog is for
tables of another format.

Nothing here ran against AWS: Athena is not asked (query/athena is tested with a server that answers as its documentation says), nor is AWS Glue; catalogsync,
which is our client of it, is tried over moto's Glue beside our own catalog.

`

// write makes the Markdown file.
func (r *report) write(path string) error {
	var b strings.Builder
	b.WriteString("# Engines that read Sluice's tables\n\n" +
		"Written by `make engines`, which runs engines that nobody here wrote over tables that `sluice serve` made, through its embedded\n" +
		"catalog (the Glue API, signed) and a lake on a server of S3, and compares what they answer with the bundled engine, in value and type\n" +
		"([how](../internal/enginetest/doc.go)). The settings are those that it ran with.\n\n" +
		"Before versitygw stands a proxy that encodes the keys in listings where encoding-type=url asks for it, which versitygw does not do; without,\n" +
		"PrestoDB does not find objects whose names have a %.\n\n" +
		unrun)
	fmt.Fprintf(&b, "Run on %s: %d checks, %d failed.\n\n", today(), len(r.outcomes), r.failed())
	b.WriteString("| what | version |\n| --- | --- |\n")
	for _, v := range r.versions {
		fmt.Fprintf(&b, "| %s | %s |\n", v[0], v[1])
	}
	for _, group := range inOrder(r.outcomes, func(o outcome) string { return o.group }) {
		r.writeGroup(&b, group)
	}
	b.WriteString("\n## Settings\n")
	for _, s := range r.settings {
		fmt.Fprintf(&b, "\n%s:\n\n```\n%s```\n", s.engine, s.text)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, []byte(b.String()), 0o644)
}

// writeGroup writes a table with a row for each thing tried and a column for each
// engine that it was tried with.
func (r *report) writeGroup(b *strings.Builder, group string) {
	var all []outcome
	for _, o := range r.outcomes {
		if o.group == group {
			all = append(all, o)
		}
	}
	engines := inOrder(all, func(o outcome) string { return o.engine })
	fmt.Fprintf(b, "\n## %s\n\n| | %s |\n| --- |%s\n", group, strings.Join(engines, " | "), strings.Repeat(" --- |", len(engines)))
	var reasons []string
	for _, about := range inOrder(all, func(o outcome) string { return o.about }) {
		fmt.Fprintf(b, "| %s |", cell(about))
		for _, engine := range engines {
			i := slices.IndexFunc(all, func(o outcome) bool { return o.about == about && o.engine == engine })
			if i < 0 {
				b.WriteString(" – |")
				continue
			}
			o := all[i]
			if o.reason != "" {
				n := slices.Index(reasons, o.reason)
				if n < 0 {
					n = len(reasons)
					reasons = append(reasons, o.reason)
				}
				o.reason = fmt.Sprintf("[%d]", n+1)
			}
			fmt.Fprintf(b, " %s |", o.word())
		}
		b.WriteString("\n")
	}
	if len(reasons) > 0 {
		b.WriteString("\n")
	}
	for i, reason := range reasons {
		fmt.Fprintf(b, "[%d] %s\n", i+1, reason)
	}
}

func (o outcome) word() string {
	switch {
	case o.fault != "":
		return "**failed**"
	case o.reason != "":
		return "differs " + o.reason
	case o.note != "":
		return "ok: " + cell(o.note)
	}
	return "ok"
}

func cell(s string) string { return strings.NewReplacer("|", `\|`, "\n", " ").Replace(s) }

// inOrder are the different texts that of makes of the outcomes, as they come.
func inOrder(all []outcome, of func(outcome) string) []string {
	var out []string
	for _, o := range all {
		if s := of(o); !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}
