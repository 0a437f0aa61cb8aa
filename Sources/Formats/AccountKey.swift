import Foundation
import Transactions

/// Under what an account is remembered whose token is another in another period.
///
/// An account is its own key in the first period. In others the key is the account, zeros up to the longest that there is, then
/// its length and the period: as no account is as long as that, whoever sends accounts cannot make one pass for another's key.
struct AccountKey: ~Copyable {
    private static let lengthOffset = AccountTokeniser.longestAccountByteCount
    private static let byteCount = lengthOffset + 8

    private let memory = UnsafeMutableRawBufferPointer.allocate(
        byteCount: byteCount + FieldText.slackByteCount, alignment: 8)

    init() { memory.initializeMemory(as: UInt8.self, repeating: 0) }

    deinit { memory.deallocate() }

    /// The key of a text, valid until the next call. Longer texts than an account has are no accounts, but may stand for a token
    /// by a mapping's word; that is the same in every period.
    func key(of text: FieldText, in period: UInt32) -> FieldText {
        guard text.count <= AccountKey.lengthOffset else { return text }
        let start = memory.baseAddress!
        memcpy(start, text.start, text.count)
        memset(start + text.count, 0, AccountKey.lengthOffset - text.count)
        memory.storeBytes(of: UInt32(text.count), toByteOffset: AccountKey.lengthOffset, as: UInt32.self)
        memory.storeBytes(of: period, toByteOffset: AccountKey.lengthOffset + 4, as: UInt32.self)
        return FieldText(
            start: UnsafePointer(start.assumingMemoryBound(to: UInt8.self)), count: AccountKey.byteCount)
    }
}
