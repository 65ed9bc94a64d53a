// The public surface, sorted; nothing else is public.

export type { Clock } from './clock.ts'
export type { ErrorCode } from './error-codes.ts'
export type { ErrorContext } from './errors.ts'
export {
  AuthenticationError,
  BrokerError,
  ConfigError,
  ConnectionError,
  DeliveryError,
  errnoOf,
  FatalError,
  FlushTimeoutError,
  InvalidMessageError,
  KafkaError,
  MessageTooLargeError,
  ProduceManyError,
  ProtocolError,
  QueueFullError,
  StateError,
  UnknownPartitionError,
  UnknownTopicError,
  WaitTimeoutError,
} from './errors.ts'
export { fromHerokuEnv } from './heroku.ts'
export type { PartitionerContext, PartitionerFunction } from './partitioners/partitioner.ts'
export type { PartitionerName } from './partitioners/partitioners.ts'
export type { ProducerOptions } from './producer/config/config.ts'
export type { Logger, PluggedCodec } from './producer/config/options.ts'
export type { TopicConfig } from './producer/config/properties.ts'
export type { Middleware } from './producer/core.ts'
export type { DeliveryHandle, WaitOptions } from './producer/delivery.ts'
export type { EventName, Listener, ProducerEvents } from './producer/events.ts'
export type { ProducerStatus } from './producer/life-cycle.ts'
export type { HeaderValue, Message, MessageHeaders, Serializer } from './producer/message.ts'
export { Producer, type TopicHandle } from './producer/producer.ts'
export type { DeliveryReport, DeliveryStatus } from './producer/report.ts'
export type { OAuthBearerTokenProvider, TokenContext } from './producer/token-source.ts'
export type { DispatchOptions, ProducerView, SendOptions, ViewOptions } from './producer/view.ts'
export type { AwsCredentials, AwsMskIamOptions } from './sasl/aws-msk-iam.ts'
export { awsMskIam } from './sasl/aws-msk-iam.ts'
export type { SaslBroker, SaslCredentials, SaslExchange, SaslMechanism } from './sasl/exchange.ts'
export type { OAuthBearerToken } from './sasl/oauthbearer.ts'
export type { Transport, TransportListener, TransportOptions, TransportSocket } from './transport.ts'
