// SPDX-License-Identifier: Apache-2.0
// The batch that it is given, made again from plain values by protobuf's own C++ classes, on an
// arena and into memory that is there already: what a careful program would do.
//
// encoder BATCH ROUNDS: prints nanoseconds of CPU per record, medians, as one JSON object.

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include <google/protobuf/arena.h>

#include "opentelemetry/proto/collector/logs/v1/logs_service.pb.h"

using opentelemetry::proto::collector::logs::v1::ExportLogsServiceRequest;
using opentelemetry::proto::common::v1::AnyValue;
using opentelemetry::proto::logs::v1::LogRecord;

struct value {
	std::string key;
	AnyValue::ValueCase kind;
	int64_t number = 0;
	std::string text;
	std::vector<std::string> texts;
};

struct record {
	uint64_t time, observed;
	int severity;
	std::string severity_text, event;
	std::vector<value> values;
};

static double now()
{
	timespec time;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
	return time.tv_sec * 1e9 + time.tv_nsec;
}

static double median(std::vector<double> values)
{
	std::sort(values.begin(), values.end());
	return values[values.size() / 2];
}

static value plain(const std::string &key, const AnyValue &any)
{
	value result{key, any.value_case(), 0, "", {}};
	switch (any.value_case()) {
	case AnyValue::kIntValue:
		result.number = any.int_value();
		break;
	case AnyValue::kBoolValue:
		result.number = any.bool_value();
		break;
	case AnyValue::kStringValue:
		result.text = any.string_value();
		break;
	case AnyValue::kArrayValue:
		for (const auto &item : any.array_value().values())
			result.texts.push_back(item.string_value());
		break;
	default:
		std::fprintf(stderr, "a value that the bench does not write\n");
		std::exit(1);
	}
	return result;
}

static void fill(AnyValue *any, const value &from)
{
	switch (from.kind) {
	case AnyValue::kIntValue:
		any->set_int_value(from.number);
		break;
	case AnyValue::kBoolValue:
		any->set_bool_value(from.number);
		break;
	case AnyValue::kStringValue:
		any->set_string_value(from.text);
		break;
	default:
		for (const auto &text : from.texts)
			any->mutable_array_value()->add_values()->set_string_value(text);
	}
}

static void fill(LogRecord *log, const record &from)
{
	log->set_time_unix_nano(from.time);
	log->set_observed_time_unix_nano(from.observed);
	log->set_severity_number(
	    static_cast<opentelemetry::proto::logs::v1::SeverityNumber>(from.severity));
	log->set_severity_text(from.severity_text);
	log->set_event_name(from.event);
	for (const auto &each : from.values) {
		auto *pair = log->add_attributes();
		pair->set_key(each.key);
		fill(pair->mutable_value(), each);
	}
}

static std::vector<record> plain(const ExportLogsServiceRequest &batch)
{
	std::vector<record> records;
	for (const auto &log : batch.resource_logs(0).scope_logs(0).log_records()) {
		records.push_back({log.time_unix_nano(),
				   log.observed_time_unix_nano(),
				   log.severity_number(),
				   log.severity_text(),
				   log.event_name(),
				   {}});
		for (const auto &pair : log.attributes())
			records.back().values.push_back(plain(pair.key(), pair.value()));
	}
	return records;
}

int main(int count, char **arguments)
{
	if (count != 3)
		return 2;
	std::ifstream file(arguments[1], std::ios::binary);
	const std::string body((std::istreambuf_iterator<char>(file)), {});
	ExportLogsServiceRequest batch;
	if (!batch.ParseFromString(body))
		return 1;
	const auto records = plain(batch);
	std::string output(body.size() * 2, 0), wanted;
	std::vector<double> whole, serialized;
	size_t bytes = 0;
	for (int round = std::atoi(arguments[2]); round > 0; round--) {
		double begin = now();
		google::protobuf::Arena arena;
		auto *made =
		    google::protobuf::Arena::CreateMessage<ExportLogsServiceRequest>(&arena);
		auto *resource = made->add_resource_logs();
		*resource->mutable_resource() = batch.resource_logs(0).resource();
		resource->set_schema_url(batch.resource_logs(0).schema_url());
		auto *scope = resource->add_scope_logs();
		*scope->mutable_scope() = batch.resource_logs(0).scope_logs(0).scope();
		scope->set_schema_url(batch.resource_logs(0).scope_logs(0).schema_url());
		for (const auto &each : records)
			fill(scope->add_log_records(), each);
		double middle = now();
		bytes = made->ByteSizeLong();
		if (bytes > output.size() || !made->SerializeToArray(&output[0], bytes))
			return 1;
		double end = now();
		whole.push_back((end - begin) / records.size());
		serialized.push_back((end - middle) / records.size());
	}
	output.resize(bytes);
	ExportLogsServiceRequest again;
	if (!again.ParseFromString(output) || !batch.SerializeToString(&wanted) ||
	    output != wanted) {
		std::fprintf(stderr, "not the same records\n");
		return 1;
	}
	std::printf("{\"bytes\":%zu,\"ns_per_record\":%.1f,\"serialize_ns\":%.1f}\n", bytes,
		    median(whole), median(serialized));
}
