package query

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"sluice/catalogsync"
	"sluice/internal/lake"
	"sluice/partitioner"
	"sluice/query/ddl"
	"sluice/query/textfile"
)

// A Definer is a catalog in which Hive's statements define tables.
type Definer interface {
	CreateDatabase(ctx context.Context, name, comment, location string, parameters map[string]string) error
	DropDatabase(ctx context.Context, name string, cascade bool) error
	Define(ctx context.Context, d catalogsync.Definition) error
	Definition(ctx context.Context, name lake.TableName) (catalogsync.Definition, error)
	Alter(ctx context.Context, name lake.TableName, a catalogsync.Alteration) error
	Drop(ctx context.Context, name lake.TableName, same func(lake.Table) bool) error
	Find(ctx context.Context, name lake.TableName, values [][]string) ([]lake.Partition, error)
	AddPartitions(ctx context.Context, table lake.Table, parts []lake.Partition) error
	RemovePartitions(ctx context.Context, name lake.TableName, parts []lake.Partition) error
}

// A definition is one of Hive's statements at work.
type definition struct {
	*ddl.Statement
	e    *Engine
	req  Request
	snap *snapshot
	name lake.TableName // or its database alone
}

// define runs one of Hive's statements.
func (e *Engine) define(ctx context.Context, req Request, s *ddl.Statement, r *Rows) error {
	if req.Checkpoint != "" {
		return fault(CodeInvalid, "a checkpoint is of a query, not of a statement that defines tables")
	}
	if len(req.Parameters) > 0 {
		return fault(CodeInvalid, "a statement that defines tables has no parameters")
	}
	d := &definition{Statement: s, e: e, req: req}
	if err := d.resolve(); err != nil {
		return err
	}
	var err error
	if d.snap, err = e.snapshot(req.Visible); err != nil {
		return err
	}
	r.release = append(r.release, d.snap.close)
	if err := d.allowed(); err != nil {
		return err
	}
	r.src, err = d.run(ctx)
	return err
}

// resolve finds out what the name means.
func (d *definition) resolve() error {
	database := len(d.Name) > 0 && (d.Kind == ddl.CreateDatabase || d.Kind == ddl.DropDatabase || d.Kind == ddl.ShowTables)
	switch {
	case len(d.Name) == 0:
		d.name.Database = strings.ToLower(d.req.Database)
	case database && len(d.Name) == 2 && d.Name[0] == "awsdatacatalog":
		d.name.Database = d.Name[1]
	case database && len(d.Name) == 1:
		d.name.Database = d.Name[0]
	case database:
		return d.fault(d.At, CodeInvalid, "%s is not a database's name", strings.Join(d.Name, "."))
	default:
		name, part, err := resolve(d.Name, d.req.Database)
		if err != nil {
			return err
		}
		if part != everything && !d.Kind.Reads() {
			return d.fault(d.At, CodeInvalid, "lake and live are not databases in which tables are defined")
		}
		d.name = name
	}
	return nil
}

// fault is an error with its place in the statement.
func (d *definition) fault(at int, code Code, format string, args ...any) error {
	return fault(code, "%s%s", fmt.Sprintf(format, args...), where(d.req.SQL, at))
}

// allowed checks who asks. Whether what is named exists shows to nobody who may not
// see its database.
func (d *definition) allowed() error {
	if d.e.cfg.Define == nil && !(d.Kind == ddl.ShowPartitions || d.Kind == ddl.ShowDatabases || d.Kind == ddl.ShowTables) {
		return d.fault(d.At, CodeForbidden, "tables are not defined here: statements only read")
	}
	if d.Kind.Reads() {
		return nil
	}
	if d.e.cfg.ReadOnly {
		return d.fault(d.At, CodeForbidden, "statements only read here (query.write.who: off)")
	}
	if d.req.MayWrite == nil || !d.req.MayWrite(d.name.Database) || !d.snap.sees(d.name.Database) {
		return d.fault(d.At, CodeForbidden, "this caller may only read %s: writing needs a key with modify, or query.write.who: anyone", d.name.Database)
	}
	return nil
}

func (d *definition) run(ctx context.Context) (source, error) {
	switch d.Kind {
	case ddl.CreateDatabase:
		return d.createDatabase(ctx)
	case ddl.DropDatabase:
		return d.dropDatabase(ctx)
	case ddl.CreateTable:
		return d.createTable(ctx)
	case ddl.DropTable:
		return d.dropTable(ctx)
	case ddl.ShowDatabases, ddl.ShowTables:
		return d.showNames(ctx)
	case ddl.ShowCreate, ddl.ShowProperties, ddl.Describe:
		return d.show(ctx)
	}
	src, err := d.e.table(ctx, []string{d.name.Database, d.name.Table}, d.name.Database, d.snap)
	if err != nil {
		return nil, err
	}
	if d.Kind == ddl.ShowPartitions {
		return d.showPartitions(ctx, src)
	}
	if !src.inCatalog {
		return nil, fault(CodeNotFound, "nothing of the table %s is delivered yet: it can be altered when the catalog has it", d.name)
	}
	switch d.Kind {
	case ddl.AddPartitions:
		return d.addPartitions(ctx, src.table)
	case ddl.DropPartitions:
		return d.dropPartitions(ctx, src.table)
	case ddl.Repair:
		return d.repair(ctx, src.table)
	}
	return d.alter(ctx, src.table)
}

// said is the answer of a statement that changed something.
func said(format string, args ...any) source {
	return &fixed{columns: column("result"), rows: lines([]string{fmt.Sprintf(format, args...)})}
}

func (d *definition) createDatabase(ctx context.Context) (source, error) {
	name := d.name.Database
	if name != lake.CleanName(name) {
		return nil, d.fault(d.At, CodeInvalid, "%q cannot name a database: it is made of a–z, 0–9 and _", name)
	}
	if d.Location != "" {
		if err := d.within(ctx, d.Location, d.LocationAt); err != nil {
			return nil, err
		}
	}
	err := d.e.cfg.Define.CreateDatabase(ctx, name, d.Comment, d.Location, d.Properties)
	switch {
	case errors.Is(err, catalogsync.ErrExists) && d.Lenient:
		return said("the database %s is there already", name), nil
	case errors.Is(err, catalogsync.ErrExists):
		return nil, d.fault(d.At, CodeExists, "there is a database %s already", name)
	case err != nil:
		return nil, err
	}
	return said("the database %s was created", name), nil
}

func (d *definition) dropDatabase(ctx context.Context) (source, error) {
	name := d.name.Database
	err := d.e.cfg.Define.DropDatabase(ctx, name, d.Cascade)
	switch {
	case errors.Is(err, catalogsync.ErrNotFound) && d.Lenient:
		return said("there is no database %s", name), nil
	case errors.Is(err, catalogsync.ErrNotFound):
		return nil, d.fault(d.At, CodeNotFound, "there is no database %s", name)
	case errors.Is(err, catalogsync.ErrNotEmpty):
		return nil, d.fault(d.At, CodeInvalid, "the database %s has tables; drop them first, or add CASCADE", name)
	case err != nil:
		return nil, err
	}
	return said("the database %s was dropped; files stay where they are", name), nil
}

func (d *definition) createTable(ctx context.Context) (source, error) {
	if d.name.Table != lake.CleanName(d.name.Table) {
		return nil, d.fault(d.At, CodeInvalid, "%q cannot name a table: it is made of a–z, 0–9 and _", d.name.Table)
	}
	if len(d.snap.tables[d.name]) > 0 {
		return nil, d.fault(d.At, CodeExists, "%s is the table of a stream, whose records are not delivered yet", d.name)
	}
	if err := d.within(ctx, d.Location, d.LocationAt); err != nil {
		return nil, err
	}
	def := catalogsync.Definition{
		Name: d.name, Comment: d.Comment, Columns: defined(d.Columns), Keys: defined(d.Keys),
		Location: folder(d.Location), Storage: d.Storage, Parameters: maps.Clone(d.Properties),
	}
	note := d.classify(&def)
	err := d.e.cfg.Define.Define(ctx, def)
	if errors.Is(err, catalogsync.ErrNotFound) && d.name.Database == d.e.cfg.Database {
		if err = d.e.cfg.Define.CreateDatabase(ctx, d.name.Database, "", "", nil); err == nil || errors.Is(err, catalogsync.ErrExists) {
			err = d.e.cfg.Define.Define(ctx, def)
		}
	}
	switch {
	case errors.Is(err, catalogsync.ErrExists) && d.Lenient:
		return said("the table %s is there already, and stays as it is", d.name), nil
	case errors.Is(err, catalogsync.ErrExists):
		return nil, d.fault(d.At, CodeExists, "there is a table %s already", d.name)
	case errors.Is(err, catalogsync.ErrNotFound):
		return nil, d.fault(d.At, CodeNotFound, "there is no database %s; CREATE DATABASE %s makes it", d.name.Database, d.name.Database)
	case err != nil:
		return nil, err
	}
	return said("the table %s was created%s", d.name, note), nil
}

// classify adds the word by which AWS's tools know a format, and says where queries
// will not read it.
func (d *definition) classify(def *catalogsync.Definition) (note string) {
	if def.Parameters == nil {
		def.Parameters = make(map[string]string)
	}
	word := "parquet"
	if !d.Storage.IsParquet() {
		table := lake.Table{Name: d.name, Storage: d.Storage, Parameters: d.Properties}
		for _, c := range d.Columns {
			table.Columns = append(table.Columns, lake.Column{Name: c.Name, Type: c.Type})
		}
		f, err := textfile.New(table, duckType)
		if err != nil {
			return "; but " + err.Error()
		}
		word = f.Word()
	}
	if def.Parameters["classification"] == "" {
		def.Parameters["classification"] = word
	}
	return ""
}

func defined(columns []ddl.Column) (out []catalogsync.DefinedColumn) {
	for _, c := range columns {
		out = append(out, catalogsync.DefinedColumn{Name: c.Name, Type: c.Text, Comment: c.Comment})
	}
	return out
}

// folder ends a location in a slash.
func folder(location string) string { return strings.TrimRight(location, "/") + "/" }

// within checks that a location lies in the lake and, for a caller that sees some
// databases only, in the folder of one of which it may read and write: else a table
// would show it what another's files hold.
func (d *definition) within(ctx context.Context, location string, at int) error {
	key, ok := d.e.cfg.Store.Key(location)
	if !ok {
		return d.fault(at, CodeInvalid, "the location %s is not below the lake, so that no query could read it", location)
	}
	if d.req.Visible == nil {
		return nil
	}
	database, below, _ := strings.Cut(strings.TrimSuffix(key, "/"), "/")
	if below == "" || !d.req.Visible(database) || !d.req.MayWrite(database) {
		return d.fault(at, CodeForbidden, "this caller's tables lie in the folders of its databases, such as %s in the lake, not at %s", d.name.Database+"/"+"events/", location)
	}
	for segment := range strings.SplitSeq(key, "/") {
		if strings.HasPrefix(segment, "_") || strings.HasPrefix(segment, ".") {
			return d.fault(at, CodeForbidden, "engines pass over folders such as %s, that begin with _ or .", segment)
		}
	}
	return d.alone(ctx, key, location, at)
}

// alone checks that no table of a database that the caller does not see lies at the
// place, within it or around it.
func (d *definition) alone(ctx context.Context, key, location string, at int) error {
	databases, err := d.e.cfg.Catalog.Databases(ctx)
	if err != nil {
		return fmt.Errorf("list databases: %w", err)
	}
	key = strings.TrimSuffix(key, "/") + "/"
	for _, db := range databases {
		if d.snap.sees(db) {
			continue
		}
		tables, err := d.e.cfg.Catalog.Tables(ctx, db)
		if err != nil && !errors.Is(err, catalogsync.ErrNotFound) {
			return fmt.Errorf("list tables of %s: %w", db, err)
		}
		for _, t := range tables {
			if k, ok := d.e.cfg.Store.Key(t.Location); ok && t.Location != "" {
				if k = strings.TrimSuffix(k, "/") + "/"; strings.HasPrefix(k, key) || strings.HasPrefix(key, k) {
					return d.fault(at, CodeForbidden, "the place %s is taken", location)
				}
			}
		}
	}
	return nil
}

func (d *definition) dropTable(ctx context.Context) (source, error) {
	have, err := d.e.cfg.Define.Definition(ctx, d.name)
	if err == nil && strings.EqualFold(have.Type, "VIRTUAL_VIEW") {
		return nil, d.fault(d.At, CodeInvalid, "%s is a view; DROP VIEW drops it", d.name)
	}
	if err == nil {
		err = d.e.cfg.Define.Drop(ctx, d.name, func(lake.Table) bool { return true })
	}
	switch {
	case errors.Is(err, catalogsync.ErrNotFound) && d.Lenient:
		return said("there is no table %s", d.name), nil
	case errors.Is(err, catalogsync.ErrNotFound):
		return nil, d.e.unknownTable(ctx, d.name, d.snap)
	case err != nil:
		return nil, err
	}
	return said("the table %s was dropped; its files stay at %s", d.name, have.Location), nil
}

func (d *definition) alter(ctx context.Context, table lake.Table) (source, error) {
	a := catalogsync.Alteration{AddColumns: defined(d.Columns), Parameters: d.Properties}
	if d.Location != "" {
		if err := d.within(ctx, d.Location, d.LocationAt); err != nil {
			return nil, err
		}
		a.Location = folder(d.Location)
	}
	for _, c := range d.Columns {
		same := func(have lake.Column) bool { return strings.EqualFold(have.Name, c.Name) }
		if slices.ContainsFunc(table.Columns, same) || slices.ContainsFunc(table.PartitionKeys, same) {
			return nil, d.fault(c.At, CodeExists, "the table %s has a column %s already", d.name, c.Name)
		}
	}
	if err := d.e.cfg.Define.Alter(ctx, d.name, a); err != nil {
		if errors.Is(err, catalogsync.ErrExists) {
			return nil, d.fault(d.At, CodeExists, "another caller added one of the columns to %s meanwhile", d.name)
		}
		return nil, err
	}
	return said("the table %s was altered", d.name), nil
}

// values are a partition's, in the order of the table's keys.
func (d *definition) values(table lake.Table, p ddl.Partition, partial bool) ([]string, error) {
	values := make([]string, len(table.PartitionKeys))
	for i, k := range p.Keys {
		at := lake.ColumnIndex(table.PartitionKeys, k)
		if at < 0 {
			return nil, d.fault(p.At, CodeInvalid, "%s is no partition column of %s, which has %s", k, d.name, keyNames(table))
		}
		if values[at] != "" {
			return nil, d.fault(p.At, CodeInvalid, "%s is there twice", k)
		}
		if p.Values[i] == "" {
			return nil, d.fault(p.At, CodeInvalid, "the value of %s is empty; a null is %s", k, lake.NullPartition)
		}
		values[at] = p.Values[i]
	}
	if !partial && slices.Contains(values, "") {
		return nil, d.fault(p.At, CodeInvalid, "a partition of %s has a value for each of %s", d.name, keyNames(table))
	}
	return values, nil
}

func keyNames(t lake.Table) string {
	if len(t.PartitionKeys) == 0 {
		return "none"
	}
	names := make([]string, len(t.PartitionKeys))
	for i, k := range t.PartitionKeys {
		names[i] = k.Name
	}
	return strings.Join(names, ", ")
}

// partitionPath is how Hive names a partition.
func partitionPath(t lake.Table, values []string) string {
	return partitioner.Path(t.PartitionKeys, values)
}
