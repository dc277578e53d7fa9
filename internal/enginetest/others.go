package main

import "context"

func (r *runner) clients(ctx context.Context) error { return nil }
func (r *runner) nodes(ctx context.Context) error   { return nil }
