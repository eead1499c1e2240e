"""Facts and a Request become a Plan. Pure: no disk, network, clock or environment."""
