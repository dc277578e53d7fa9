package embedded

import (
	"context"
	"database/sql"
)

// What clients ask for and the catalog does not keep: they get what AWS Glue
// answers where nobody ever set it, and an error where what they ask of is not
// there.

type extrasRequest struct{ DatabaseName, TableName string }

type indexesAnswer struct{ PartitionIndexDescriptorList []nothing }

// getPartitionIndexes has none to tell of: every key has an index here.
func (s *Server) getPartitionIndexes(ctx context.Context, in extrasRequest) (indexesAnswer, error) {
	return indexesAnswer{PartitionIndexDescriptorList: []nothing{}}, s.store.read(ctx, func(ctx context.Context, tx *sql.Tx) error {
		_, err := findTable(ctx, tx, in.DatabaseName, in.TableName)
		return err
	})
}

func (s *Server) getResourcePolicy(context.Context, nothing) (nothing, error) {
	return nothing{}, notFound("Policy not found.")
}

type policiesAnswer struct{ GetResourcePoliciesResponseList []nothing }

func (s *Server) getResourcePolicies(context.Context, nothing) (policiesAnswer, error) {
	return policiesAnswer{[]nothing{}}, nil
}

type encryptionAnswer struct {
	DataCatalogEncryptionSettings struct {
		EncryptionAtRest             struct{ CatalogEncryptionMode string }
		ConnectionPasswordEncryption struct{ ReturnConnectionPasswordEncrypted bool }
	}
}

func (s *Server) getDataCatalogEncryptionSettings(context.Context, nothing) (out encryptionAnswer, err error) {
	out.DataCatalogEncryptionSettings.EncryptionAtRest.CatalogEncryptionMode = "DISABLED"
	return out, nil
}

type importAnswer struct {
	ImportStatus struct{ ImportCompleted bool }
}

// getCatalogImportStatus says that there is no older catalog of Athena's own to
// be taken over.
func (s *Server) getCatalogImportStatus(context.Context, nothing) (out importAnswer, err error) {
	out.ImportStatus.ImportCompleted = true
	return out, nil
}

type tagsAnswer struct{ Tags map[string]string }

// getTags finds none; TagResource is not among the operations.
func (s *Server) getTags(context.Context, nothing) (tagsAnswer, error) {
	return tagsAnswer{map[string]string{}}, nil
}
