package write

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"sluice/catalogsync"
	"sluice/internal/lake"
	"sluice/partitioner"
	"sluice/query/checkpoint"
	"sluice/query/executor"
	"sluice/query/view"
)

// A Prepared query is set up and knows its columns; executor.Draft is one.
type Prepared interface {
	Draft
	Columns() []executor.Output
	Close() error
}

// A Job is a statement to run.
type Job struct {
	Statement *Statement
	Name      lake.TableName // of the table or view; none for UNLOAD
	Database  string         // in which names of the query without one are
	Folder    string         // an empty folder, the statement's own
	// ID is what an INSERT goes by, whose end is remembered until Forget; empty: one of its
	// own, which nobody asks for.
	ID lake.WriteID
	// Prepare sets the query up, to write into the folder until ctx ends.
	Prepare func(ctx context.Context, folder string) (Prepared, error)
	// Pledge gives away the run of the checkpoint that the statement reads by, when all
	// is computed; ok is false where nothing is to move. Nil: there is no checkpoint.
	Pledge func() (p checkpoint.Pledge, ok bool, err error)
}

// Run runs a statement that makes files and returns how many rows it wrote. An
// *Error says what is wrong with the statement.
func (w *Writer) Run(ctx context.Context, job Job) (rows int64, err error) {
	// What a crash or a failure left may lie where this one wants to write.
	if err := w.Sweep(ctx); err != nil {
		w.cfg.Log.Warn("what earlier statements left is not brought to an end yet", "err", err)
	}
	switch job.Statement.Kind {
	case CreateTable:
		return w.createTable(ctx, job)
	case Insert:
		return w.insert(ctx, job)
	case Unload:
		return w.unload(ctx, job)
	}
	return 0, fmt.Errorf("BUG: statement of kind %d makes no files", job.Statement.Kind)
}

func (w *Writer) createTable(ctx context.Context, job Job) (int64, error) {
	s := job.Statement
	layout, err := s.Layout()
	if err != nil {
		return 0, err
	}
	switch _, err := w.cfg.Catalog.Table(ctx, job.Name); {
	case err == nil && s.Lenient:
		return 0, nil
	case err == nil:
		return 0, &Error{Message: fmt.Sprintf("there is a table %s already", job.Name), Position: s.At, Exists: true}
	case !errors.Is(err, catalogsync.ErrNotFound):
		return 0, fmt.Errorf("read table %s: %w", job.Name, err)
	}
	id := lake.NewWriteID(time.Now())
	key := job.Name.Database + "/" + job.Name.Table + "-" + string(id)
	if layout.Location != "" {
		k, free, err := w.reserve(ctx, layout.Location, layout.At, job.Name)
		if err != nil {
			return 0, err
		}
		defer free()
		key = k
	}
	shape, out, err := w.compute(ctx, job, layout, func(have []executor.Output) (*Shape, error) {
		return NewShape(have, layout.PartitionBy, true)
	})
	if err != nil {
		return 0, err
	}
	e := entry{Make: true, Table: lake.Table{
		Name: job.Name, Location: w.cfg.Store.URI(key) + "/", Columns: shape.Columns, PartitionKeys: shape.Keys,
		Parameters: map[string]string{madeBy: string(id)},
	}}
	var uploads []upload
	for _, p := range out.pieces {
		folder := key
		if len(shape.Keys) > 0 {
			folder += "/" + partitioner.Path(shape.Keys, p.values)
			e.Partitions = append(e.Partitions, lake.Partition{Values: p.values, Location: w.cfg.Store.URI(folder) + "/"})
		}
		uploads = append(uploads, upload{piece: p, key: folder + "/" + string(id) + layout.Ext()})
	}
	err = w.publish(ctx, job, id, uploads, e)
	var known *Error
	if errors.As(err, &known) && known.Exists {
		known.Position = s.At
		if s.Lenient {
			return 0, nil
		}
	}
	if err != nil {
		return 0, err
	}
	return out.rows, nil
}

// compute has the query's rows staged, in the shape that is made of its columns.
func (w *Writer) compute(ctx context.Context, job Job, l Layout, shape func([]executor.Output) (*Shape, error)) (*Shape, staged, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	d, err := job.Prepare(ctx, job.Folder)
	if err != nil {
		return nil, staged{}, err
	}
	defer d.Close()
	s, err := shape(d.Columns())
	if err != nil || job.Statement.NoData {
		return s, staged{}, err
	}
	out, err := w.stage(d, s, l, job.Folder, cancel)
	return s, out, err
}

func (w *Writer) insert(ctx context.Context, job Job) (int64, error) {
	table, err := w.cfg.Catalog.Table(ctx, job.Name)
	if err != nil {
		return 0, fmt.Errorf("read table %s: %w", job.Name, err)
	}
	if err := w.takesRows(table, job.Statement.At); err != nil {
		return 0, err
	}
	layout := Layout{Format: Parquet, Compression: "zstd"}
	shape, out, err := w.compute(ctx, job, layout, func(have []executor.Output) (*Shape, error) {
		return ShapeFor(table, job.Statement.Columns, have)
	})
	if err != nil || len(out.pieces) == 0 {
		return 0, err
	}
	id := cmp.Or(job.ID, lake.NewWriteID(time.Now()))
	uploads, e, err := w.additions(ctx, table, shape, out, string(id)+layout.Ext())
	if err != nil {
		return 0, err
	}
	e.Keep = job.ID != ""
	if err := w.publish(ctx, job, id, uploads, e); err != nil {
		return 0, err
	}
	return out.rows, nil
}

// takesRows says why no rows can be added to a table.
func (w *Writer) takesRows(t lake.Table, at int) error {
	if t.View != "" {
		return refuse(at, "%s is a view; rows are added to tables", t.Name)
	}
	if kind := t.Parameters["table_type"]; kind != "" && !strings.EqualFold(kind, "hive") {
		return refuse(at, "rows cannot be added to %s: it is a table of type %s", t.Name, kind)
	}
	if !t.Storage.IsParquet() {
		return refuse(at, "rows cannot be added to %s: its files are not Parquet", t.Name)
	}
	if _, ok := w.cfg.Store.Key(t.Location); !ok || t.Location == "" {
		return forbidden(at, "rows cannot be added to %s: it lies at %s, outside the lake %s", t.Name, t.Location, w.cfg.Store.URI(""))
	}
	return nil
}

// additions are the objects of rows for a table that there is, and what is to be
// registered of them.
func (w *Writer) additions(ctx context.Context, table lake.Table, shape *Shape, out staged, name string) ([]upload, entry, error) {
	e := entry{Table: table}
	root, _ := w.cfg.Store.Key(table.Location)
	root = strings.TrimSuffix(root, "/")
	if len(shape.Keys) == 0 {
		e.Into = []lake.Partition{{Location: table.Location}}
		return []upload{{piece: out.pieces[0], key: join(root, name), late: true}}, e, nil
	}
	values := make([][]string, len(out.pieces))
	for i, p := range out.pieces {
		values[i] = p.values
	}
	have, err := w.cfg.Catalog.Find(ctx, table.Name, values)
	if err != nil {
		return nil, e, err
	}
	var uploads []upload
	for _, p := range out.pieces {
		u := upload{piece: p, key: join(root, partitioner.Path(shape.Keys, p.values)+"/"+name)}
		i := slices.IndexFunc(have, func(h lake.Partition) bool { return slices.Equal(h.Values, p.values) })
		if i < 0 {
			if w.cfg.Prefixed(table.Name) {
				return nil, e, refuse(-1, "the partition %s of %s is not there yet, and a stream lays out the table's folders by its prefix: rows can be added when the stream has made it",
					partitioner.Path(shape.Keys, p.values), table.Name)
			}
			folder := strings.TrimSuffix(u.key, "/"+name)
			e.Partitions = append(e.Partitions, lake.Partition{Values: p.values, Location: w.cfg.Store.URI(folder) + "/"})
			e.Into = append(e.Into, e.Partitions[len(e.Partitions)-1])
		} else {
			e.Into = append(e.Into, have[i])
			folder, ok := w.cfg.Store.Key(have[i].Location)
			if !ok {
				return nil, e, forbidden(-1, "rows cannot be added to the partition %s of %s: it lies at %s, outside the lake", partitioner.Path(shape.Keys, p.values), table.Name, have[i].Location)
			}
			u.key, u.late = join(strings.TrimSuffix(folder, "/"), name), true
		}
		uploads = append(uploads, u)
	}
	return uploads, e, nil
}

func join(folder, name string) string {
	if folder == "" {
		return name
	}
	return folder + "/" + name
}

func (w *Writer) unload(ctx context.Context, job Job) (int64, error) {
	s := job.Statement
	layout, err := s.Layout()
	if err != nil {
		return 0, err
	}
	key, free, err := w.reserve(ctx, s.To, s.At, lake.TableName{})
	if err != nil {
		return 0, err
	}
	defer free()
	shape, out, err := w.compute(ctx, job, layout, func(have []executor.Output) (*Shape, error) {
		return NewShape(have, layout.PartitionBy, false)
	})
	if err != nil {
		return 0, err
	}
	id := lake.NewWriteID(time.Now())
	var uploads []upload
	for _, p := range out.pieces {
		folder := key
		if len(shape.Keys) > 0 {
			folder += "/" + partitioner.Path(shape.Keys, p.values)
		}
		uploads = append(uploads, upload{piece: p, key: folder + "/" + string(id) + layout.Ext()})
	}
	if err := w.publish(ctx, job, id, uploads, entry{}); err != nil {
		return 0, err
	}
	return out.rows, nil
}

// CreateView makes the view of a query with these columns.
func (w *Writer) CreateView(ctx context.Context, job Job, have []executor.Output) error {
	s := job.Statement
	d := view.Definition{SQL: strings.TrimSpace(s.Query), Catalog: view.Catalog, Schema: job.Database}
	t := lake.Table{Name: job.Name}
	for i, c := range have {
		name := strings.ToLower(c.Name)
		switch {
		case name == "" || unnamed.MatchString(name):
			return refuse(s.At, "column %d of the view has no name: give it one, as in SELECT … AS name", i+1)
		case slices.ContainsFunc(t.Columns, func(o lake.Column) bool { return o.Name == name }):
			return refuse(s.At, "two columns of the view are named %s", name)
		case c.Presto == "unknown":
			return refuse(s.At, "the type of column %s is not known: cast it, as in CAST(NULL AS varchar)", name)
		}
		d.Columns = append(d.Columns, view.Column{Name: name, Type: c.Presto})
		hive := c.Type
		if writable(hive, true) != nil {
			hive = lake.String // Hive has no word for it; who reads the view goes by the definition
		}
		t.Columns = append(t.Columns, lake.Column{Name: name, Type: hive})
	}
	var err error
	if t.View, err = d.Encode(); err != nil {
		return err
	}
	err = w.cfg.Catalog.PutView(ctx, t, s.Lenient)
	if errors.Is(err, catalogsync.ErrExists) {
		return &Error{Message: fmt.Sprintf("there is a table or view %s already", job.Name), Position: s.At, Exists: true}
	}
	return err
}

// DropView takes a view out of the catalog.
func (w *Writer) DropView(ctx context.Context, job Job) error {
	s := job.Statement
	t, err := w.cfg.Catalog.Table(ctx, job.Name)
	if err == nil && t.View == "" {
		return refuse(s.At, "%s is a table, not a view", job.Name)
	}
	if err == nil {
		err = w.cfg.Catalog.Drop(ctx, job.Name, func(t lake.Table) bool { return t.View != "" })
	}
	if errors.Is(err, catalogsync.ErrNotFound) {
		if s.Lenient {
			return nil
		}
		return refuse(s.At, "there is no view %s", job.Name)
	}
	return err
}
