// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// ERC-20 (EIP-20) tokens, and those of them that return nothing.
library Token {
    /// The token refused a transfer. Likely cause: no allowance, too little balance, or a blocked address.
    error TransferFailed(address token, bytes answer);
    /// What arrived is not what was sent. Likely cause: the token takes a fee on transfers; such tokens cannot be used.
    error ReceivedOtherAmount(address token, uint256 expected, uint256 got);
    /// The token does not tell balances. Likely cause: the address is not a token's.
    error NoBalance(address token);

    /// Takes `amount` base units from `from`, and measures that they came.
    function pull(address token, address from, uint256 amount) internal {
        uint256 before = balance(token);
        call(token, abi.encodeWithSignature("transferFrom(address,address,uint256)", from, address(this), amount));
        uint256 later = balance(token);
        uint256 received = later > before ? later - before : 0;
        if (received != amount) revert ReceivedOtherAmount(token, amount, received);
    }

    /// Gives `amount` base units to `to`.
    function push(address token, address to, uint256 amount) internal {
        call(token, abi.encodeWithSignature("transfer(address,uint256)", to, amount));
    }

    /// This contract's balance, in base units.
    function balance(address token) internal view returns (uint256) {
        (bool done, bytes memory answer) =
            token.staticcall(abi.encodeWithSignature("balanceOf(address)", address(this)));
        if (!done || answer.length != 32) revert NoBalance(token);
        return abi.decode(answer, (uint256));
    }

    /// A call has worked if it did not revert, and returned nothing or true. Tokens are known to have code.
    function call(address token, bytes memory data) private {
        (bool done, bytes memory answer) = token.call(data);
        bool worked = done && (answer.length == 0 || (answer.length == 32 && uint256(bytes32(answer)) == 1));
        if (!worked) revert TransferFailed(token, answer);
    }
}
