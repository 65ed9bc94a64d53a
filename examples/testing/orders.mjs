// The application: it sells things, and tells Kafka of every sale.

export class Shop {
  #producer
  #unreported = 0

  constructor(producer) {
    this.#producer = producer
  }

  /** How many sales Kafka does not know of. */
  get unreported() {
    return this.#unreported
  }

  /** Resolves with the number of the sale, or null if Kafka did not take it. */
  async sell(customer, article) {
    try {
      const value = JSON.stringify({ customer, article })
      const { offset } = await this.#producer.send({ topic: 'orders', key: customer, value })
      return Number(offset)
    } catch {
      this.#unreported++
      return null
    }
  }
}
