// Which topics `topic.blacklist` hides.

/** Whether a topic is hidden. Throws SyntaxError for what is no list of regular expressions. Source: librdkafka. */
export function topicBlacklist(list: string | null): (topic: string) => boolean {
  const patterns = (list ?? '').split(',').flatMap(pattern => (pattern.trim() === '' ? [] : new RegExp(pattern.trim())))
  return topic => patterns.some(pattern => pattern.test(topic))
}
