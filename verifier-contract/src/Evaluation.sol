// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// Streams of 56-bit words as polynomials over F_p² = F[x]/(x² − 7), p = 2^64 − 2^32 + 1.
///
/// A stream of words w_0 … w_{n−1} has the value z^n + w_0 · z^{n−1} + … + w_{n−1} at z: Horner from 1, so that its
/// length counts. It is what the chunk circuits compute (`availability::evaluate` in the `circuits` crate).
///
/// # How it stays under 50 gas a word
///
/// An element c0 + c1 · x is *packed* as c0 + 2^128 · c1. A word times a packed power is then one multiplication, both
/// products below 2^120, and a block of 24 of them is summed without any reduction:
///
///     24 · 2^56 · 2^64 + 2^64 < 2^125        in each half.
///
/// One multiplication by z^24, with reduction, brings in the blocks before. The powers are shared by both streams, and
/// lie at a fixed place in memory, which makes each of them cheaper to load by an addition.
library Evaluation {
    /// p.
    uint256 internal constant ORDER = 0xffffffff00000001;
    /// Bytes of a word.
    uint256 internal constant WORD_BYTES = 7;

    /// Where z^0 … z^24 lie in memory, packed, as numbers from 0x600 to 0x900 below: above all that is allocated when
    /// streams are evaluated.
    uint256 private constant TABLE = 0x600;

    /// Something large was allocated before. Likely cause: a change of the code that calls this.
    error MemoryTaken(uint256 expectedBelow, uint256 got);
    /// A stream is not a whole number of words. Likely cause: it was cut off, or is not a stream.
    error StreamLength(uint256 bytesGot, uint256 bytesPerWord);

    /// The point that both streams are evaluated at, drawn once everything that it has to bind is fixed: the first two
    /// 64-bit numbers of keccak256(daCommit, keccak256(l1), keccak256(l2)), each mod p.
    function drawPoint(bytes32 daCommit, bytes calldata l1, bytes calldata l2)
        internal
        pure
        returns (uint256 z0, uint256 z1)
    {
        uint256 drawn = uint256(keccak256(abi.encodePacked(daCommit, keccak256(l1), keccak256(l2))));
        return ((drawn >> 192) % ORDER, (drawn >> 128 & type(uint64).max) % ORDER);
    }

    /// The values of both streams at z0 + z1 · x, each as c0 · 2^64 + c1, both below p: its 16 bytes in a statement.
    function evaluate(uint256 z0, uint256 z1, bytes calldata l1, bytes calldata l2)
        internal
        pure
        returns (uint128 l1Value, uint128 l2Value)
    {
        if (l1.length % WORD_BYTES != 0) revert StreamLength(l1.length, WORD_BYTES);
        if (l2.length % WORD_BYTES != 0) revert StreamLength(l2.length, WORD_BYTES);
        uint256 allocated;
        assembly ("memory-safe") {
            allocated := mload(0x40)
        }
        if (allocated > TABLE) revert MemoryTaken(TABLE, allocated);

        assembly ("memory-safe") {
            function writePowers(z0_, z1_) {
                let p := 0xffffffff00000001
                let z1by7 := mul(7, z1_)
                let c0 := 1
                let c1 := 0
                mstore(0x600, 1)
                for { let power := 0x620 } lt(power, 0x920) { power := add(power, 64) } {
                    // Factors are below 2^67: sums of two products do not wrap. Two powers a turn.
                    let d0 := mod(add(mul(c0, z0_), mul(c1, z1by7)), p)
                    let d1 := mod(add(mul(c0, z1_), mul(c1, z0_)), p)
                    mstore(power, or(d0, shl(128, d1)))
                    c0 := mod(add(mul(d0, z0_), mul(d1, z1by7)), p)
                    c1 := mod(add(mul(d0, z1_), mul(d1, z0_)), p)
                    mstore(add(power, 32), or(c0, shl(128, c1)))
                }
            }

            function valueOf(from, length) -> value {
                let HALF := 0xffffffffffffffffffffffffffffffff
                let WORD := 0xffffffffffffff
                let end := add(from, length)

                // What does not fill a block comes first: z^m + Σ w_i · z^(m − 1 − i), i < m.
                let power := add(0x600, shl(5, mod(div(length, 7), 24)))
                let first := mload(power)
                for {} gt(power, 0x600) {} {
                    power := sub(power, 32)
                    first := add(first, mul(shr(200, calldataload(from)), mload(power)))
                    from := add(from, 7)
                }
                let c0 := mod(and(first, HALF), 0xffffffff00000001)
                let c1 := mod(shr(128, first), 0xffffffff00000001)

                let u := and(mload(0x900), HALF)
                let v := shr(128, mload(0x900))
                for {} lt(from, end) {} {
                    // Each load brings four words, in 28 of its 32 bytes.
                    let four := calldataload(from)
                    let sum :=
                        add(
                            add(mul(shr(200, four), mload(0x8e0)), mul(and(shr(144, four), WORD), mload(0x8c0))),
                            add(
                                mul(and(shr(88, four), WORD), mload(0x8a0)),
                                mul(and(shr(32, four), WORD), mload(0x880))
                            )
                        )
                    four := calldataload(add(from, 28))
                    sum := add(
                        add(add(sum, mul(shr(200, four), mload(0x860))), mul(and(shr(144, four), WORD), mload(0x840))),
                        add(mul(and(shr(88, four), WORD), mload(0x820)), mul(and(shr(32, four), WORD), mload(0x800)))
                    )
                    four := calldataload(add(from, 56))
                    sum := add(
                        add(add(sum, mul(shr(200, four), mload(0x7e0))), mul(and(shr(144, four), WORD), mload(0x7c0))),
                        add(mul(and(shr(88, four), WORD), mload(0x7a0)), mul(and(shr(32, four), WORD), mload(0x780)))
                    )
                    four := calldataload(add(from, 84))
                    sum := add(
                        add(add(sum, mul(shr(200, four), mload(0x760))), mul(and(shr(144, four), WORD), mload(0x740))),
                        add(mul(and(shr(88, four), WORD), mload(0x720)), mul(and(shr(32, four), WORD), mload(0x700)))
                    )
                    four := calldataload(add(from, 112))
                    sum := add(
                        add(add(sum, mul(shr(200, four), mload(0x6e0))), mul(and(shr(144, four), WORD), mload(0x6c0))),
                        add(mul(and(shr(88, four), WORD), mload(0x6a0)), mul(and(shr(32, four), WORD), mload(0x680)))
                    )
                    four := calldataload(add(from, 140))
                    // The last power is 1.
                    sum := add(
                        add(add(sum, mul(shr(200, four), mload(0x660))), mul(and(shr(144, four), WORD), mload(0x640))),
                        add(mul(and(shr(88, four), WORD), mload(0x620)), and(shr(32, four), WORD))
                    )

                    let next := mod(add(add(mul(c0, u), mul(7, mul(c1, v))), and(sum, HALF)), 0xffffffff00000001)
                    c1 := mod(add(add(mul(c0, v), mul(c1, u)), shr(128, sum)), 0xffffffff00000001)
                    c0 := next
                    from := add(from, 168)
                }
                value := or(shl(64, c0), c1)
            }

            writePowers(z0, z1)
            l1Value := valueOf(l1.offset, l1.length)
            l2Value := valueOf(l2.offset, l2.length)
        }
    }
}
