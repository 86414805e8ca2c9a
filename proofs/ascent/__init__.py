"""Is an advantage the gradient of anything, and of what?"""
