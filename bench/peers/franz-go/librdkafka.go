//go:build librdkafka

// Nothing is built of this: it holds the module in go.mod that brings librdkafka as its makers built it.
package main

import _ "github.com/confluentinc/confluent-kafka-go/v2/kafka/librdkafka_vendor"
