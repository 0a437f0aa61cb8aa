import Foundation

/// Reads one JSON object and keeps the values of the keys that a mapping reads; dots in a mapped key lead into objects.
struct JSONObjectReader: ~Copyable {
    private let names: [String]
    private let acceptsUnknownKeys: Bool
    private var tree: JSONKeyTree
    private let values: UnsafeMutableBufferPointer<FieldText>
    /// The object in which each value came last, counted from 1.
    private let seen: UnsafeMutableBufferPointer<UInt64>
    private var objectNumber: UInt64 = 0
    /// Keys of the objects around the present place that hold no value of a column, to find those that come twice.
    private var otherKeys: [FieldText] = []
    private let empty = OwnedText("")

    /// Keys without a column that an object and those around it may have.
    static let largestOtherKeyCount = 1000

    init(_ mapping: Mapping, _ input: InputColumns) {
        names = input.names
        acceptsUnknownKeys = !mapping.isOwnForm
        tree = JSONKeyTree(input.names)
        values = .allocate(capacity: input.names.count)
        values.initialize(repeating: empty.text)
        seen = .allocate(capacity: input.names.count)
        seen.initialize(repeating: 0)
    }

    deinit {
        values.deallocate()
        seen.deallocate()
    }

    /// The values of the object that was read last, one for each input column; empty where it had none.
    var texts: UnsafeBufferPointer<FieldText> { UnsafeBufferPointer(values) }

    var keysNeverSeen: [String] { acceptsUnknownKeys ? names.indices.filter { seen[$0] == 0 }.map { names[$0] } : [] }

    /// No key was seen yet.
    mutating func restart() { seen.update(repeating: 0) }

    /// Reads the object that `text` holds, taking escapes off in place.
    mutating func read(_ text: UnsafeMutableBufferPointer<UInt8>) throws(JSONFault) {
        values.update(repeating: empty.text)
        objectNumber += 1
        otherKeys.removeAll(keepingCapacity: true)
        var cursor = JSONCursor(text)
        guard cursor.peek() == UInt8(ascii: "{") else { throw cursor.fault("expected an object") }
        try object(&cursor, node: JSONKeyTree.root, depth: 1)
        try cursor.expectEnd()
    }

    private mutating func object(_ cursor: inout JSONCursor, node: Int, depth: Int) throws(JSONFault) {
        guard depth <= JSONCursor.largestDepth else { throw cursor.fault("nested too deep") }
        try cursor.expect(UInt8(ascii: "{"), "an object")
        if cursor.take(UInt8(ascii: "}")) { return }
        let outerKeyCount = otherKeys.count
        repeat {
            let key = try cursor.string()
            let place = node == JSONKeyTree.none ? .nowhere : tree.place(of: key, under: node)
            if place.column < 0 { try noteOtherKey(key, since: outerKeyCount, place, node, cursor) }
            try cursor.expect(UInt8(ascii: ":"), "a colon")
            try value(&cursor, place, depth: depth)
        } while cursor.take(UInt8(ascii: ","))
        try cursor.expect(UInt8(ascii: "}"), "a comma or a closing brace")
        otherKeys.removeLast(otherKeys.count - outerKeyCount)
    }

    private mutating func array(_ cursor: inout JSONCursor, depth: Int) throws(JSONFault) {
        guard depth <= JSONCursor.largestDepth else { throw cursor.fault("nested too deep") }
        try cursor.expect(UInt8(ascii: "["), "an array")
        if cursor.take(UInt8(ascii: "]")) { return }
        repeat { try value(&cursor, .nowhere, depth: depth) } while cursor.take(UInt8(ascii: ","))
        try cursor.expect(UInt8(ascii: "]"), "a comma or a closing bracket")
    }

    private mutating func value(_ cursor: inout JSONCursor, _ place: JSONKeyTree.Place, depth: Int) throws(JSONFault) {
        let text: FieldText
        switch cursor.peek() {
        case UInt8(ascii: "{"):
            try refuseColumn(place, cursor, found: "an object")
            return try object(&cursor, node: place.node, depth: depth + 1)
        case UInt8(ascii: "["):
            try refuseColumn(place, cursor, found: "an array")
            return try array(&cursor, depth: depth + 1)
        case UInt8(ascii: "\""): text = try cursor.string()
        case UInt8(ascii: "t"), UInt8(ascii: "f"): text = try cursor.word()
        case UInt8(ascii: "n"):
            _ = try cursor.word()
            text = empty.text
        default: text = try cursor.number()
        }
        guard place.column >= 0 else { return }
        guard seen[place.column] != objectNumber else {
            throw cursor.fault("the key \(Excerpt.quoted(names[place.column])) comes twice")
        }
        seen[place.column] = objectNumber
        values[place.column] = text
    }

    private func refuseColumn(_ place: JSONKeyTree.Place, _ cursor: JSONCursor, found: String) throws(JSONFault) {
        guard place.column >= 0, place.node == JSONKeyTree.none else { return }
        throw cursor.fault("expected a string or a number for \(Excerpt.quoted(names[place.column])), found \(found)")
    }

    private mutating func noteOtherKey(
        _ key: FieldText, since start: Int, _ place: JSONKeyTree.Place, _ node: Int, _ cursor: JSONCursor
    ) throws(JSONFault) {
        for other in otherKeys[start...] where other.count == key.count {
            guard key.count > 0, memcmp(other.start, key.start, key.count) != 0 else {
                throw cursor.fault("the key \(Excerpt.quoted(key.bytes)) comes twice")
            }
        }
        guard otherKeys.count < JSONObjectReader.largestOtherKeyCount else { throw cursor.fault("too many keys") }
        otherKeys.append(key)
        guard !acceptsUnknownKeys, place.node == JSONKeyTree.none else { return }
        let text = String(decoding: key.bytes, as: UTF8.self)
        throw cursor.fault("the key \(Excerpt.quoted(text)) is no field\(Nearest.suggestion(text, among: names))")
    }
}

/// The keys that a mapping reads, as a tree: each object on the way to a mapped key is a node.
struct JSONKeyTree: ~Copyable {
    /// What a key leads to: a column, a further object, both, or nothing.
    struct Place {
        var column: Int
        var node: Int

        static let nowhere = Place(column: -1, node: JSONKeyTree.none)
    }

    static let root = 0
    static let none = -1

    private let nodes: UnsafeMutableBufferPointer<ByteStringTable>
    private var nodeCount = 1

    /// - Parameter keys: one for each column. A dotted key also names a literal key of the outermost object.
    init(_ keys: [String]) {
        let capacity = 1 + keys.reduce(0) { $0 + $1.utf8.count { $0 == UInt8(ascii: ".") } }
        nodes = .allocate(capacity: capacity)
        for node in 0..<capacity { nodes.initializeElement(at: node, to: ByteStringTable()) }
        for (column, key) in keys.enumerated() {
            let path = key.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
            var node = JSONKeyTree.root
            for step in path.dropLast() { node = child(step, of: node) }
            addColumn(column, path.last!, of: node)
            if path.count > 1 { addColumn(column, key, of: JSONKeyTree.root) }
        }
    }

    deinit {
        nodes.deinitialize()
        nodes.deallocate()
    }

    @inline(__always)
    func place(of key: FieldText, under node: Int) -> Place {
        let entry = nodes[node].entry(of: key)
        guard entry >= 0 else { return .nowhere }
        return Place(bits: nodes[node][entry])
    }

    private mutating func child(_ key: String, of node: Int) -> Int {
        var place = place(key, under: node)
        if place.node == JSONKeyTree.none {
            place.node = nodeCount
            nodeCount += 1
            set(place, key, under: node)
        }
        return place.node
    }

    private mutating func addColumn(_ column: Int, _ key: String, of node: Int) {
        var place = place(key, under: node)
        place.column = column
        set(place, key, under: node)
    }

    private func place(_ key: String, under node: Int) -> Place {
        let owned = OwnedText(key)
        return place(of: owned.text, under: node)
    }

    private func set(_ place: Place, _ key: String, under node: Int) {
        let owned = OwnedText(key)
        let entry = nodes[node].entry(of: owned.text)
        if entry >= 0 {
            nodes[node][entry] = place.bits
        } else {
            _ = nodes[node].insert(owned.text, value: place.bits)
        }
    }
}

extension JSONKeyTree.Place {
    fileprivate init(bits: UInt64) {
        column = Int(Int32(truncatingIfNeeded: bits))
        node = Int(Int32(truncatingIfNeeded: bits >> 32))
    }

    fileprivate var bits: UInt64 {
        UInt64(UInt32(bitPattern: Int32(column))) | UInt64(UInt32(bitPattern: Int32(node))) << 32
    }
}
