// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// A plain ERC-20. Anyone can mint.
contract PlainToken {
    mapping(address => uint256) public balanceOf;
    mapping(address => mapping(address => uint256)) public allowance;

    function mint(address to, uint256 amount) external {
        balanceOf[to] += amount;
    }

    function approve(address spender, uint256 amount) external virtual returns (bool) {
        allowance[msg.sender][spender] = amount;
        return true;
    }

    function transfer(address to, uint256 amount) external virtual returns (bool) {
        move(msg.sender, to, amount);
        return true;
    }

    function transferFrom(address from, address to, uint256 amount) external virtual returns (bool) {
        spend(from, amount);
        move(from, to, amount);
        return true;
    }

    function spend(address from, uint256 amount) internal {
        require(allowance[from][msg.sender] >= amount, "allowance");
        allowance[from][msg.sender] -= amount;
    }

    function move(address from, address to, uint256 amount) internal virtual {
        require(balanceOf[from] >= amount, "balance");
        balanceOf[from] -= amount;
        balanceOf[to] += amount;
    }
}

/// Keeps a hundredth of what is moved.
contract FeeToken is PlainToken {
    function move(address from, address to, uint256 amount) internal override {
        super.move(from, to, amount);
        balanceOf[to] -= amount / 100;
    }
}

/// Returns nothing, as some of the oldest tokens do.
contract SilentToken {
    mapping(address => uint256) public balanceOf;

    function mint(address to, uint256 amount) external {
        balanceOf[to] += amount;
    }

    function transfer(address to, uint256 amount) external {
        balanceOf[msg.sender] -= amount;
        balanceOf[to] += amount;
    }

    function transferFrom(address from, address to, uint256 amount) external {
        balanceOf[from] -= amount;
        balanceOf[to] += amount;
    }
}

/// Says false instead of reverting, and moves nothing.
contract FalseToken is PlainToken {
    bool public refusing;

    function refuse(bool refuse_) external {
        refusing = refuse_;
    }

    function transfer(address to, uint256 amount) external override returns (bool) {
        if (refusing) return false;
        move(msg.sender, to, amount);
        return true;
    }

    function transferFrom(address from, address to, uint256 amount) external override returns (bool) {
        if (refusing) return false;
        spend(from, amount);
        move(from, to, amount);
        return true;
    }
}

/// Claims to have moved, and moves nothing.
contract LyingToken is PlainToken {
    function move(address, address, uint256) internal override {}
}

/// Calls whatever it is told to in the middle of each move, before it.
contract CallingToken is PlainToken {
    address private target;
    bytes private data;
    uint256 private value;

    /// Whether the last call back worked, and what it answered.
    bool public worked;
    bytes public answer;

    function arm(address target_, bytes calldata data_) external payable {
        (target, data, value) = (target_, data_, msg.value);
    }

    function move(address from, address to, uint256 amount) internal override {
        if (target != address(0)) {
            address called = target;
            target = address(0);
            (worked, answer) = called.call{value: value}(data);
        }
        super.move(from, to, amount);
    }
}

/// Balances that cannot be asked for.
contract MuteToken {
    function transferFrom(address, address, uint256) external pure returns (bool) {
        return true;
    }
}
