"""Sends log records with opentelemetry-exporter-otlp-proto-http: python FILE HOST COUNT"""
import logging
import sys

from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.sdk._logs import LoggerProvider, LoggingHandler
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor

host, count = sys.argv[1], int(sys.argv[2])
provider = LoggerProvider()
provider.add_log_record_processor(
    BatchLogRecordProcessor(OTLPLogExporter(endpoint=host + "/v1/logs"), max_queue_size=2 * count, max_export_batch_size=500)
)
logger = logging.getLogger("test")
logger.setLevel(logging.INFO)
logger.propagate = False
logger.addHandler(LoggingHandler(logger_provider=provider))
for i in range(count):
    logger.info("message %d", i, extra={"n": i, "shop.name": "é", "ok": True})
provider.shutdown()
