"""The network, block by block, under the names that the paper gives them."""
