/// How much of a service is online: 1 to 4, as Viet Nam's portals count it, or partial and full, which took the places of 3
/// and 4.
public struct OfferingLevel: Hashable, Sendable {
    /// 1 to 4.
    public var number: Int

    /// The level with a number from 1 to 4.
    public init(number: Int) { self.number = number }

    /// Words for levels.
    public static let words = ["1", "2", "3", "4", "partial", "full"]

    /// Reads a word; nil when it is none.
    public init?(_ word: String) {
        switch word {
        case "1", "2", "3", "4": number = Int(word)!
        case "partial": number = 3
        case "full": number = 4
        default: return nil
        }
    }
}
