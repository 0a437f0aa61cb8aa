import Rollups
import Testing

/// Why rollups cannot answer is why they do not.
@Suite struct ObstacleTests {
    @Test func whatIsLackingIsNamed() throws {
        let both = try Question(by: [.service, .region], measures: [.attempts])
        #expect(both.obstacles(to: .regions) == [.dimensions([.service])])
        #expect(both.obstacles(to: .services) == [.dimensions([.region])])
        var payees = try Question(by: [.payee], measures: [.amount, .overdue, .payers])
        #expect(payees.obstacles(to: .payees) == [.measures([.overdue, .payers])])
        payees.asOf = 7
        #expect(payees.obstacles(to: .payees) == [.sequences, .measures([.overdue, .payers])])
        let plain = try Question(by: [.region, .day], measures: [.amount])
        #expect(plain.obstacles(to: .regions).isEmpty && plain.canBeAnswered(by: .regions))
        #expect(plain.rollup(among: RollupDeclaration.defaults) == .regions)
    }
}
