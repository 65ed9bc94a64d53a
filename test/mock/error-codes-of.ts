// What calls come to, one after the other: the code of each error, or null.

export async function codesOf(call: () => Promise<unknown>, times: number): Promise<(number | null)[]> {
  const codes: (number | null)[] = []
  for (let i = 0; i < times; i++) {
    codes.push(
      await call().then(
        () => null,
        (error: { code: number }) => error.code,
      ),
    )
  }
  return codes
}
