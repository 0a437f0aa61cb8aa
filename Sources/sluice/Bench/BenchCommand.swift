import ArgumentParser

struct BenchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench", abstract: "Measure this machine.",
        discussion: """
            Every figure is taken on generated records, in a temporary ledger unless --data keeps it. Data that a \
            measurement needs is made beforehand, and a warm-up goes first, because memory that was never used since \
            the machine started is slow at first.

            EXAMPLES
              sluice bench ingest --count 26000000
              sluice bench ingest --rate 100000 --seconds 60
              sluice bench load --count 5000000
              sluice bench recover --count 26000000
              sluice bench query --count 5000000
            """,
        subcommands: [
            BenchIngestCommand.self, BenchLoadCommand.self, BenchRecoverCommand.self, BenchQueryCommand.self,
        ])
}
