# Everything that CI does is in .ci/run. This is what it does not: it downloads 4 GB
# of engines into the user's cache folder, once, and takes half an hour. See
# internal/enginetest.
.PHONY: engines catalog-clients
engines:
	go run ./internal/enginetest -out docs/engines.md $(ENGINES)

# Of it the clients of the catalog: boto3, awswrangler, the AWS CLI and moto, and two
# writers. What .ci/run skips, since pip takes a minute to get them; then half a minute.
catalog-clients:
	go run ./internal/enginetest -only clients
