package firehose

import (
	"encoding/json"
	"strings"
	"time"

	"sluice/configs"
)

// A destination is what ExtendedS3DestinationConfiguration, …Update and
// …Description have in common. What Sluice has no use for is kept and told as it
// was sent.
type destination struct {
	RoleARN                  *string         `json:",omitempty"`
	BucketARN                *string         `json:",omitempty"`
	Prefix                   *string         `json:",omitempty"`
	ErrorOutputPrefix        *string         `json:",omitempty"`
	BufferingHints           *hints          `json:",omitempty"`
	CompressionFormat        *string         `json:",omitempty"`
	EncryptionConfiguration  json.RawMessage `json:",omitempty"`
	CloudWatchLoggingOptions json.RawMessage `json:",omitempty"`
	ProcessingConfiguration  *processing     `json:",omitempty"`
	S3BackupMode             *string         `json:",omitempty"`
	S3BackupDescription      json.RawMessage `json:",omitempty"`
	DataFormatConversion     *conversion     `json:"DataFormatConversionConfiguration,omitempty"`
	DynamicPartitioning      *dynamic        `json:"DynamicPartitioningConfiguration,omitempty"`
	FileExtension            *string         `json:",omitempty"`
	CustomTimeZone           *string         `json:",omitempty"`
}

// A configuration is a destination in a request, where the backup has other names.
type configuration struct {
	destination
	S3BackupConfiguration json.RawMessage
	S3BackupUpdate        json.RawMessage
}

type hints struct {
	SizeInMBs         *int `json:",omitempty"`
	IntervalInSeconds *int `json:",omitempty"`
}

type processing struct {
	Enabled    *bool       `json:",omitempty"`
	Processors []processor `json:",omitempty"`
}

type processor struct {
	Type       string
	Parameters []struct{ ParameterName, ParameterValue string } `json:",omitempty"`
}

type conversion struct {
	Enabled *bool `json:",omitempty"`
	Schema  *struct {
		RoleARN      *string `json:",omitempty"`
		CatalogID    *string `json:"CatalogId,omitempty"`
		DatabaseName *string `json:",omitempty"`
		TableName    *string `json:",omitempty"`
		Region       *string `json:",omitempty"`
		VersionID    *string `json:"VersionId,omitempty"`
	} `json:"SchemaConfiguration,omitempty"`
	Input  json.RawMessage `json:"InputFormatConfiguration,omitempty"`
	Output *struct {
		Serializer *struct {
			ParquetSerDe *struct {
				BlockSizeBytes              *int64  `json:",omitempty"`
				PageSizeBytes               *int64  `json:",omitempty"`
				Compression                 *string `json:",omitempty"`
				EnableDictionaryCompression *bool   `json:",omitempty"`
				MaxPaddingBytes             *int64  `json:",omitempty"`
				WriterVersion               *string `json:",omitempty"`
			} `json:",omitempty"`
			OrcSerDe json.RawMessage `json:",omitempty"`
		} `json:",omitempty"`
	} `json:"OutputFormatConfiguration,omitempty"`
}

type dynamic struct {
	Enabled      *bool           `json:",omitempty"`
	RetryOptions json.RawMessage `json:",omitempty"`
}

// over is the destination with what the update says in place.
func (d destination) over(update destination) (destination, error) {
	b, err := json.Marshal(update)
	if err == nil {
		d, err = d.clone()
	}
	if err == nil {
		// A member that is there replaces the old one as a whole.
		var members map[string]json.RawMessage
		if err = json.Unmarshal(b, &members); err == nil {
			if _, ok := members["ProcessingConfiguration"]; ok {
				d.ProcessingConfiguration = nil
			}
			if _, ok := members["DataFormatConversionConfiguration"]; ok {
				d.DataFormatConversion = nil
			}
			if _, ok := members["BufferingHints"]; ok {
				d.BufferingHints = nil
			}
			err = json.Unmarshal(b, &d)
		}
	}
	return d, err
}

func (d destination) clone() (c destination, err error) {
	b, err := json.Marshal(d)
	if err == nil {
		err = json.Unmarshal(b, &c)
	}
	return c, err
}

func value[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}

func on(enabled *bool) bool { return enabled == nil || *enabled }

// stream is what the destination means for a stream of Sluice. Its errors are faults.
func (d destination) stream() (s configs.Stream, err error) {
	if err := d.buffering(&s); err != nil {
		return s, err
	}
	if err := d.format(&s); err != nil {
		return s, err
	}
	s.Prefix, s.ErrorPrefix, s.TimeZone = value(d.Prefix), value(d.ErrorOutputPrefix), value(d.CustomTimeZone)
	if strings.Contains(s.Prefix, "!{") && s.ErrorPrefix == "" {
		return s, invalid("ErrorOutputPrefix must be given where Prefix has expressions")
	}
	if s.Prefix != "" && strings.HasPrefix(s.Prefix, "/") {
		return s, invalid("Prefix must not begin with a slash")
	}
	switch mode := value(d.S3BackupMode); mode {
	case "", "Disabled":
	case "Enabled":
		s.KeepRaw = true
	default:
		return s, invalid("S3BackupMode %.40q: want Enabled or Disabled", mode)
	}
	return s, d.processors(&s)
}

// buffering takes the hints; what is left out is as Sluice has it.
func (d destination) buffering(s *configs.Stream) error {
	h := value(d.BufferingHints)
	if h.SizeInMBs != nil {
		if *h.SizeInMBs < 1 || *h.SizeInMBs > 128 {
			return invalid("Value '%d' at 'bufferingHints.sizeInMBs' failed to satisfy constraint: Member must be between 1 and 128", *h.SizeInMBs)
		}
		s.Size = configs.Bytes(*h.SizeInMBs) * configs.MiB
	}
	if h.IntervalInSeconds != nil {
		if *h.IntervalInSeconds < 0 || *h.IntervalInSeconds > 900 {
			return invalid("Value '%d' at 'bufferingHints.intervalInSeconds' failed to satisfy constraint: Member must be between 0 and 900", *h.IntervalInSeconds)
		}
		s.Interval = max(time.Duration(*h.IntervalInSeconds)*time.Second, time.Second)
	}
	return nil
}

// format takes the table of the schema and the compression of its files.
func (d destination) format(s *configs.Stream) error {
	c := d.DataFormatConversion
	if c == nil || !on(c.Enabled) {
		return nil
	}
	if c.Schema != nil && value(c.Schema.TableName) != "" {
		s.Table = value(c.Schema.TableName)
		if db := value(c.Schema.DatabaseName); db != "" {
			s.Table = db + "." + s.Table
		}
	}
	if c.Output == nil || c.Output.Serializer == nil {
		return nil
	}
	if len(c.Output.Serializer.OrcSerDe) > 0 {
		return invalid("OrcSerDe is not supported: want ParquetSerDe")
	}
	if p := c.Output.Serializer.ParquetSerDe; p != nil {
		compression, ok := map[string]string{"": "", "SNAPPY": "snappy", "GZIP": "gzip", "UNCOMPRESSED": "none"}[value(p.Compression)]
		if !ok {
			return invalid("ParquetSerDe.Compression %.40q: want SNAPPY, GZIP or UNCOMPRESSED", value(p.Compression))
		}
		s.Layout.Compression = compression
	}
	return nil
}

// processors takes what records go through.
func (d destination) processors(s *configs.Stream) error {
	p := d.ProcessingConfiguration
	if p == nil || !on(p.Enabled) {
		return nil
	}
	for _, each := range p.Processors {
		switch each.Type {
		case "RecordDeAggregation", "AppendDelimiterToRecord":
			// Objects are told apart whatever stands between them.
		case "MetadataExtraction":
			if err := each.extraction(s); err != nil {
				return err
			}
		default:
			return invalid("the processor %.40q is not supported: want MetadataExtraction, RecordDeAggregation or AppendDelimiterToRecord", each.Type)
		}
	}
	if s.Prefix == "" && s.PartitionQuery != "" {
		return invalid("the keys of MetadataExtraction are for !{partitionKeyFromQuery:…} in Prefix, which is not set")
	}
	return nil
}

// extraction takes the query of partition keys. Whether it is one of jq is
// Streams.Check's to say.
func (p processor) extraction(s *configs.Stream) error {
	for _, parameter := range p.Parameters {
		if parameter.ParameterName == "MetadataExtractionQuery" {
			s.PartitionQuery = parameter.ParameterValue
		}
	}
	if strings.TrimSpace(s.PartitionQuery) == "" {
		return invalid("MetadataExtraction has no MetadataExtractionQuery, such as {customer:.customer.id}")
	}
	return nil
}
