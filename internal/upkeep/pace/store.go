package pace

import (
	"context"

	"sluice/internal/lake/store"
)

// A Store is one whose deletions give way. All else is the store's own.
type Store struct {
	store.Store
	Pacer *Pacer
}

// Delete implements [store.Store].
func (s Store) Delete(ctx context.Context, key string) error {
	done := s.Pacer.Start(ctx)
	err := s.Store.Delete(ctx, key)
	done(0)
	return err
}

// Remove implements [store.Store].
func (s Store) Remove(ctx context.Context, o store.Object) error {
	done := s.Pacer.Start(ctx)
	err := s.Store.Remove(ctx, o)
	done(0)
	return err
}

// Discard implements [store.Store].
func (s Store) Discard(ctx context.Context, u store.Unfinished) error {
	done := s.Pacer.Start(ctx)
	err := s.Store.Discard(ctx, u)
	done(0)
	return err
}
