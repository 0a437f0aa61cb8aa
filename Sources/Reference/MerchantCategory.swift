/// A merchant category of ISO 18245, as card payments carry it.
public struct MerchantCategory: Hashable, Sendable {
    /// Four digits.
    public var code: String
    /// What merchants of the category sell.
    public var name: String
    /// The range of the standard that it lies in.
    public var group: String

    /// Every category, by code.
    public static let all: [MerchantCategory] = registry.replacing("\n", with: " ").split(separator: "|").map { entry in
        let text = entry.drop { $0 == " " }
        var name = text.dropFirst(5)
        while name.last == " " { name.removeLast() }
        let number = UInt16(text.prefix(4))!
        return MerchantCategory(
            code: String(text.prefix(4)), name: String(name), group: groups.last { $0.first <= number }!.name)
    }

    /// The category with a code of four digits.
    public init?(code: String) {
        guard let found = Self.byCode[code] else { return nil }
        self = found
    }

    private init(code: String, name: String, group: String) {
        self.code = code
        self.name = name
        self.group = group
    }

    private static let byCode = Dictionary(uniqueKeysWithValues: all.map { ($0.code, $0) })
}
