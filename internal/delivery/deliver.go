package delivery

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"sluice/buffer"
	"sluice/configs"
	"sluice/convert"
	"sluice/internal/lake"
	"sluice/partitioner"
)

// A route is where a batch goes, as fixed when it was sealed.
type route struct {
	table    lake.TableName
	rules    *partitioner.Rules
	declared []lake.Column
	rewrite  *convert.Rewrite
	strict   bool
	layout   convert.Layout
	errors   string // folder, below ErrorPrefix
	// transformErrors is that of records that the transform failed on, or that lack a
	// partition key.
	transformErrors string
	raw             configs.Raw
	projection      bool
	hold            configs.Hold
}

// Rules are what is stored with a batch when it is sealed, as JSON.
type Rules struct {
	configs.Stream
	Raw configs.Raw `json:"raw"`
	// Memory, in bytes, decides where row groups end, as convert.Layout's; 0: that
	// of the converter.
	Memory int64 `json:"memory,omitempty"`
	// Lanes, as convert.Layout's; 0: as the converter's threads have it.
	Lanes int `json:"lanes,omitempty"`
}

func (d *Deliverer) route(b *buffer.Batch) (route, error) {
	s, table, err := readRules(b.Stream, b.Rules, d.cfg.Database)
	if err != nil {
		return route{}, err
	}
	job, err := JobOf(s.Stream)
	if err != nil {
		return route{}, err
	}
	errorFolder, transformFolder, err := errorFolders(s.Stream, b)
	if err != nil {
		return route{}, err
	}
	job.Layout.Memory, job.Layout.Lanes = s.Memory, s.Lanes
	return route{table, job.Rules, job.Declared, job.Rewrite, s.Strict, job.Layout, errorFolder, transformFolder, s.Raw, s.Projection, s.Hold}, nil
}

// readRules are the rules that a batch was sealed with, and the table it goes to.
func readRules(stream string, text []byte, database string) (s Rules, table lake.TableName, err error) {
	if err := json.Unmarshal(text, &s); err != nil {
		return s, table, fmt.Errorf("read the batch's rules %.200q: %w", text, err)
	}
	table, err = TableOf(s.Stream, stream, database)
	return s, table, err
}

// deliver does one attempt, all steps of it.
func (d *Deliverer) deliver(ctx context.Context, b *buffer.Batch) (outcome, error) {
	begun := time.Now()
	log := d.log.With("batch", b.ID, "stream", b.Stream)
	r, err := d.route(b)
	if err != nil {
		return outcome{}, fmt.Errorf("route batch: %w", err)
	}
	dir := filepath.Join(d.cfg.Staging, string(b.ID))
	if err := emptyDir(dir); err != nil {
		return outcome{}, fmt.Errorf("make staging folder: %w", err)
	}
	defer os.RemoveAll(dir)

	res, table, err := d.convertAndEnsure(ctx, b, r, dir)
	if err != nil {
		return outcome{}, err
	}
	log.Info("batch converted", "table", r.table, "rows", res.Rows, "failed", res.Failed, "filtered", res.Filtered, "rescued", res.Rescued, "json_bytes", res.Bytes, "files", len(res.Files), "took", since(begun))

	held := d.hold(b, r, &res)
	start := time.Now()
	p, err := d.placing(ctx, b, r, res, table, dir)
	if err != nil {
		return outcome{}, err
	}
	if err := d.place(ctx, p); err != nil {
		return outcome{}, err
	}
	d.metrics.step("upload", start)
	log.Info("batch uploaded", "bytes", p.bytes, "took", since(start))

	start = time.Now()
	if err := d.land(ctx, p, table); err != nil {
		return outcome{}, fmt.Errorf("register partitions of %s: %w", r.table, err)
	}
	if err := d.withdraw(ctx, p, table); err != nil {
		return outcome{}, fmt.Errorf("take away what an earlier attempt put into %s: %w", r.table, err)
	}
	if err := prompt(start); err != nil {
		return outcome{}, err
	}
	d.metrics.step("register", start)
	log.Info("batch registered", "table", r.table, "partitions", len(p.parts), "took", since(start))

	rows, err := d.shelve(b, held)
	if err != nil {
		return outcome{}, err
	}
	// Everything is durable: count, then let go of the log.
	if d.cfg.BeforeRelease != nil {
		if err := d.cfg.BeforeRelease(ctx, b); err != nil {
			return outcome{}, fmt.Errorf("prepare release of batch: %w", err)
		}
	}
	if err := d.ledger.count(b.Stream, b.ID, Totals{Delivered: res.Rows - rows, Failed: res.Failed, Filtered: res.Filtered, Batches: 1}, time.Now()); err != nil {
		return outcome{}, err
	}
	if err := d.cfg.Log.Release(ctx, b); err != nil {
		return outcome{}, fmt.Errorf("release batch: %w", err)
	}
	d.cfg.Held.Free(b.ID)
	d.ledger.released(b.Stream, b.ID)
	d.forgetPlan(b.ID)
	d.metrics.delivered(b.Stream, res, rows, p.bytes, begun)
	log.Info("batch delivered", "rows", res.Rows-rows, "held", rows, "failed", res.Failed, "filtered", res.Filtered, "took", since(begun))
	return outcome{table: r.table, records: res.Rows + res.Failed + res.Filtered, files: len(res.Files)}, nil
}

// maxRegister is how long an attempt may take from its last upload to the end of the
// registration: less than the shortest grace period of a vacuum.
const maxRegister = 30 * time.Minute

// prompt is an error if that took longer, as it does when the machine slept: another node
// may have taken the objects for what a crash left, and removed them. The next attempt
// puts them anew.
func prompt(uploaded time.Time) error {
	// By the wall clock: the other one may stand still meanwhile.
	if took := time.Now().Round(0).Sub(uploaded.Round(0)); took > maxRegister {
		return fmt.Errorf("registering what was uploaded took %v, longer than %v: it is uploaded again, since it may be gone", took.Round(time.Second), maxRegister)
	}
	return nil
}

func since(t time.Time) time.Duration { return time.Since(t).Round(time.Millisecond) }

// maxConversions bounds how often a batch is converted anew in one attempt
// because other writers evolved its table meanwhile.
const maxConversions = 4

// convertAndEnsure converts the batch and registers its columns; it returns when
// the catalog has every column of the files with the files' type.
func (d *Deliverer) convertAndEnsure(ctx context.Context, b *buffer.Batch, r route, dir string) (convert.Result, lake.Table, error) {
	fail := func(err error) (convert.Result, lake.Table, error) { return convert.Result{}, lake.Table{}, err }
	table, err := d.cfg.Catalog.Table(ctx, r.table)
	if errors.Is(err, d.cfg.NotFound) {
		table = lake.Table{}
	} else if err != nil {
		return fail(fmt.Errorf("look up table %s: %w", r.table, err))
	}
	for range maxConversions {
		if err := checkKeys(r, table); err != nil {
			return fail(err)
		}
		if err := emptyDir(dir); err != nil {
			return fail(fmt.Errorf("empty staging folder: %w", err))
		}
		start := time.Now()
		res, err := d.cfg.Converter.Convert(ctx, convert.Job{
			Seed:   string(b.ID),
			Blocks: b.Blocks(), Columns: table.Columns, Declared: r.declared, Rewrite: r.rewrite, Strict: r.strict, Rules: r.rules, Dir: dir, Layout: r.layout, Attempt: b.Sealed,
		})
		if err != nil {
			return fail(err)
		}
		if res.Rows+res.Failed+res.Filtered != b.Records {
			return fail(fmt.Errorf("BUG: batch of %d records became %d rows and %d failures, and %d were filtered", b.Records, res.Rows, res.Failed, res.Filtered))
		}
		d.metrics.step("convert", start)
		if len(res.Files) == 0 {
			return res, table, nil
		}
		start = time.Now()
		if table, err = d.cfg.Catalog.Ensure(ctx, d.want(r, table, res.Columns)); err != nil {
			return fail(fmt.Errorf("register columns of %s: %w", r.table, err))
		}
		d.metrics.step("ensure", start)
		if holds(table.Columns, res.Columns) {
			return res, table, checkKeys(r, table)
		}
		d.log.Info("batch is converted again: the table's columns changed meanwhile", "batch", b.ID, "table", r.table)
	}
	return fail(fmt.Errorf("table %s: its columns changed during each of %d conversions", r.table, maxConversions))
}

// want is the table as this batch would have it, where the catalog has it or would.
func (d *Deliverer) want(r route, table lake.Table, columns []lake.Column) lake.Table {
	want := lake.Table{
		Name: r.table, Columns: columns, PartitionKeys: r.rules.Keys(),
		Location: d.cfg.Store.URI(r.table.Database+"/"+r.table.Table) + "/",
	}
	if table.Location != "" {
		want.Location = table.Location
	}
	if r.projection {
		want.Parameters = r.rules.Projection(want.Location)
	}
	return want
}

// checkKeys refuses a table with other partition keys than the batch has.
func checkKeys(r route, t lake.Table) error {
	if t.Location == "" {
		return nil // it does not exist yet
	}
	want := r.rules.Keys()
	same := len(want) == len(t.PartitionKeys)
	for i := 0; same && i < len(want); i++ {
		same = want[i].Name == t.PartitionKeys[i].Name
	}
	if !same {
		return fmt.Errorf("table %s is partitioned by %s in the catalog, but its stream says %s: change partition_by of the stream, or its table",
			r.table, names(t.PartitionKeys), names(want))
	}
	return nil
}

func names(columns []lake.Column) string {
	s := "("
	for i, c := range columns {
		if i > 0 {
			s += ", "
		}
		s += c.Name
	}
	return s + ")"
}

// holds reports whether files with the columns of file can be read as have.
func holds(have, file []lake.Column) bool {
	for _, f := range file {
		ok := false
		for _, h := range have {
			if h.Name == f.Name {
				ok = fits(h.Type, f.Type)
			}
		}
		if !ok {
			return false
		}
	}
	return true
}

// fits reports whether a file's type is the table's, or lacks only fields of
// structs that the table has beyond.
func fits(have, file lake.Type) bool {
	switch {
	case have.Kind != file.Kind:
		return false
	case have.Kind == lake.KindStruct:
		return holds(have.Fields, file.Fields)
	case have.Kind == lake.KindArray, have.Kind == lake.KindMap:
		return fits(*have.Elem, *file.Elem)
	}
	return have.Equal(file)
}

// ErrorPrefix is the folder of the lake for documents of records that became no
// row. Engines that read the lake as a whole pass over it, as its name begins
// with an underscore.
const ErrorPrefix = "_errors"

// What Firehose calls the errors of conversion and of transforms.
const (
	conversionFailed = "format-conversion-failed"
	processingFailed = "processing-failed"
)

// errorFolders are the folders, below ErrorPrefix, of both kinds of errors. They
// differ: the documents in them have the same name.
func errorFolders(s configs.Stream, b *buffer.Batch) (conversion, transform string, err error) {
	if s.ErrorPrefix == "" {
		return conversionFailed + "/" + b.Stream, processingFailed + "/" + b.Stream, nil
	}
	prefix, err := partitioner.ParseErrorPrefix(s.ErrorPrefix, s.TimeZone)
	if err != nil {
		return "", "", err
	}
	conversion = prefix.Path(conversionFailed, b.First, string(b.ID))
	transform = prefix.Path(processingFailed, b.First, string(b.ID))
	if conversion == transform {
		transform += "/" + processingFailed
	}
	return conversion, transform, nil
}
