package ddl

import (
	"maps"
	"slices"
	"strings"

	"sluice/internal/lake"
)

// createTable reads what follows CREATE EXTERNAL TABLE.
func (p *parser) createTable(s *Statement) (err error) {
	s.Kind = CreateTable
	s.Lenient = p.take("IF", "NOT", "EXISTS")
	if err := p.name(s, "a table's name"); err != nil {
		return err
	}
	if s.Columns, err = p.columns(); err != nil {
		return err
	}
	stored := p.peek(0)
	f := format{}
	for p.peek(0).kind != end && err == nil {
		switch at := p.peek(0).from; {
		case p.take("COMMENT"):
			s.Comment, err = p.needText("a comment")
		case p.take("PARTITIONED", "BY"):
			s.Keys, err = p.columns()
		case p.take("ROW", "FORMAT"):
			err = p.rowFormat(&f)
		case p.take("STORED"):
			stored = p.peek(1)
			err = p.storedAs(&f)
		case p.take("WITH", "SERDEPROPERTIES"):
			err = p.serdeProperties(&f)
		case p.peek(0).is("LOCATION"):
			err = p.location(&s.Location, &s.LocationAt)
		case p.take("TBLPROPERTIES"):
			s.Properties, err = p.properties()
		case p.peek(0).is("CLUSTERED", "SKEWED", "AS", "LIKE"):
			return fail(at, "%s is not supported", strings.ToUpper(p.peek(0).raw))
		default:
			return p.expected("COMMENT, PARTITIONED BY, ROW FORMAT, STORED AS, LOCATION or TBLPROPERTIES")
		}
	}
	if err != nil {
		return err
	}
	if s.Location == "" {
		return fail(len(p.sql), "a LOCATION is missing: an external table's files lie somewhere")
	}
	if s.Storage, err = f.storage(stored.from); err != nil {
		return err
	}
	return p.distinct(s)
}

// distinct refuses two columns of one name.
func (p *parser) distinct(s *Statement) error {
	seen := make(map[string]bool)
	for _, c := range slices.Concat(s.Columns, s.Keys) {
		if seen[c.Name] {
			return fail(c.At, "there are two columns %s; a partition column is not also among the others", c.Name)
		}
		seen[c.Name] = true
	}
	return nil
}

// A format gathers what the clauses say of the files.
type format struct {
	serde, input, output, stored string
	delimited                    bool
	properties                   map[string]string
}

func (f *format) set(k, v string) {
	if f.properties == nil {
		f.properties = make(map[string]string)
	}
	f.properties[k] = v
}

func (p *parser) rowFormat(f *format) (err error) {
	if p.take("SERDE") {
		if f.serde, err = p.needText("a SerDe's class"); err != nil {
			return err
		}
		if p.take("WITH", "SERDEPROPERTIES") {
			err = p.serdeProperties(f)
		}
		return err
	}
	if err := p.need("DELIMITED"); err != nil {
		return err
	}
	f.delimited = true
	for {
		var property string
		switch {
		case p.take("FIELDS", "TERMINATED", "BY"):
			property = "field.delim"
		case p.take("ESCAPED", "BY"):
			property = "escape.delim"
		case p.take("COLLECTION", "ITEMS", "TERMINATED", "BY"):
			property = "collection.delim"
		case p.take("MAP", "KEYS", "TERMINATED", "BY"):
			property = "mapkey.delim"
		case p.take("LINES", "TERMINATED", "BY"):
			property = "line.delim"
		case p.take("NULL", "DEFINED", "AS"):
			property = "serialization.null.format"
		default:
			return nil
		}
		v, err := p.needText("a delimiter")
		if err != nil {
			return err
		}
		f.set(property, v)
		if property == "field.delim" {
			f.set("serialization.format", v)
		}
	}
}

func (p *parser) serdeProperties(f *format) error {
	properties, err := p.properties()
	for k, v := range properties {
		f.set(k, v)
	}
	return err
}

func (p *parser) storedAs(f *format) (err error) {
	if err := p.need("AS"); err != nil {
		return err
	}
	if p.take("INPUTFORMAT") {
		if f.input, err = p.needText("an input format's class"); err != nil {
			return err
		}
		if err := p.need("OUTPUTFORMAT"); err != nil {
			return err
		}
		f.output, err = p.needText("an output format's class")
		return err
	}
	if f.stored, err = p.part("a format"); err != nil {
		return err
	}
	f.stored = strings.ToUpper(f.stored)
	return nil
}

// storage is what the clauses come to; at is where the files' format stands.
func (f *format) storage(at int) (lake.Storage, error) {
	s := lake.Storage{InputFormat: f.input, OutputFormat: f.output, SerDe: f.serde, Properties: maps.Clone(f.properties)}
	set := func(input, output, serde string) {
		s.InputFormat, s.OutputFormat = input, output
		if s.SerDe == "" {
			s.SerDe = serde
		}
	}
	switch f.stored {
	case "PARQUET", "PARQUETFILE":
		if f.delimited {
			return s, fail(at, "ROW FORMAT DELIMITED is of text, not of Parquet")
		}
		set(lake.ParquetInputFormat, lake.ParquetOutputFormat, lake.ParquetSerDe)
	case "TEXTFILE":
		set(lake.TextInputFormat, lake.TextOutputFormat, lake.LazySimpleSerDe)
	case "JSONFILE":
		set(lake.TextInputFormat, lake.TextOutputFormat, lake.HiveJSONSerDe)
	case "":
		switch {
		case f.input != "" && f.serde == "" && f.input == lake.ParquetInputFormat:
			s.SerDe = lake.ParquetSerDe
		case f.input != "":
			if s.SerDe == "" {
				s.SerDe = lake.LazySimpleSerDe
			}
		case strings.EqualFold(f.serde, lake.ParquetSerDe):
			set(lake.ParquetInputFormat, lake.ParquetOutputFormat, f.serde)
		default:
			set(lake.TextInputFormat, lake.TextOutputFormat, lake.LazySimpleSerDe)
		}
	default:
		return s, fail(at, "STORED AS %s is not supported: there are PARQUET, TEXTFILE, JSONFILE, and INPUTFORMAT '…' OUTPUTFORMAT '…'", f.stored)
	}
	if s.Properties == nil {
		s.Properties = map[string]string{"serialization.format": "1"}
	}
	return s, nil
}
