/// Names and codes as the product's own form writes them, so that they are told apart when they are read.
enum NameText {
    /// What a name begins with that would be read as a code otherwise.
    static let prefix = "name:"

    /// The text from which `code` is read again: its name where one is given and can stand in a text, else the number.
    static func text(code: UInt32, name: String?) -> String {
        guard let name, let first = name.utf8.first, let last = name.utf8.last, !isBlank(first), !isBlank(last) else {
            return "\(code)"
        }
        let isAmbiguous = first == UInt8(ascii: "#") || name.hasPrefix(prefix) || name.utf8.allSatisfy(isDigit)
        return isAmbiguous ? prefix + name : name
    }
}
